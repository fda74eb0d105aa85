;; A typed handler by hand that asks the boolean flag which the path names, without its slash. A request with a body first adds it
;; to the context as the attribute "plan" (so the body is JSON). Answers 200 for false and 201 for true, with OpenFeature's reason
;; as body; 210 and more for an error (210 and the number of its code); 299 if the attribute was refused.
(module
  (import "ostler:plugin/flags@0.1.0" "resolve" (func $resolve (param i32 i32 i32 i64 i32 i32)))
  (import "ostler:plugin/flags@0.1.0" "add-context" (func $add-context (param i32 i32) (result i32)))

  (memory (export "memory") 16)
  (data (i32.const 0) "plan")
  ;; 16: the one attribute; 48: the response; 96: what `resolve` answers.
  (global $free (mut i32) (i32.const 1024))

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (local.get $at))

  (func $answer (param $status i32) (param $body i32) (param $length i32) (result i32)
    (i32.store (i32.const 48) (i32.const 0))
    (i32.store16 (i32.const 52) (local.get $status))
    (i64.store (i32.const 56) (i64.const 0))
    (i32.store (i32.const 64) (local.get $body))
    (i32.store (i32.const 68) (local.get $length))
    (global.set $free (i32.const 1024))
    (i32.const 48))

  (func (export "ostler:plugin/http-handler@0.1.0#handle")
    (param i32 i32) (param $target i32) (param $target-length i32)
    (param i32 i32) (param $body i32) (param $body-length i32) (result i32)
    (if (local.get $body-length)
      (then
        (i32.store (i32.const 16) (i32.const 0))
        (i32.store (i32.const 20) (i32.const 4))
        (i32.store (i32.const 24) (local.get $body))
        (i32.store (i32.const 28) (local.get $body-length))
        (if (i32.eqz (call $add-context (i32.const 16) (i32.const 1)))
          (then (return (call $answer (i32.const 299) (i32.const 0) (i32.const 0)))))))
    (call $resolve
      (i32.add (local.get $target) (i32.const 1)) (i32.sub (local.get $target-length) (i32.const 1))
      (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 96))
    ;; The error's code, if there is one.
    (if (i32.load8_u (i32.const 132))
      (then (return (call $answer (i32.add (i32.const 210) (i32.load8_u (i32.const 133)))
        (i32.load (i32.const 124)) (i32.load (i32.const 128))))))
    (call $answer (i32.add (i32.const 200) (i32.load8_u (i32.const 104)))
      (i32.load (i32.const 124)) (i32.load (i32.const 128)))))
