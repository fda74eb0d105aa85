;; A typed handler by hand that makes a value once: GET answers what its cache "c" holds under the target, or counts in its store
;; "s" under "made" and keeps the count (one digit, tagged "t"); DELETE drops what is tagged so; any other method takes the right
;; to make the value and traps with it. Every path.
(module
  (import "ostler:plugin/cache@0.1.0" "get-or-compute-lock"
    (func $lock (param i32 i32 i32 i32 i32 i32)))
  (import "ostler:plugin/cache@0.1.0" "set"
    (func $set (param i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32)))
  (import "ostler:plugin/cache@0.1.0" "delete-tag" (func $delete-tag (param i32 i32 i32 i32 i32)))
  (import "ostler:plugin/kv@0.1.0" "increment" (func $increment (param i32 i32 i32 i32 i64 i32)))

  (memory (export "memory") 1)
  (data (i32.const 0) "cstmade")
  ;; 16: what imports answer; 48: the response; 96: the one tag; 104: the digit.
  (data (i32.const 96) "\02\00\00\00\01\00\00\00")
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
    (param $method i32) (param i32) (param $target i32) (param $target-length i32)
    (param i32 i32 i32 i32) (result i32)
    (local $first i32)
    (local.set $first (i32.load8_u (local.get $method)))
    (if (i32.eq (local.get $first) (i32.const 68))
      (then
        (call $delete-tag (i32.const 0) (i32.const 1) (i32.const 2) (i32.const 1) (i32.const 16))
        (return (call $answer (i32.const 204) (i32.const 0) (i32.const 0)))))

    (call $lock (i32.const 0) (i32.const 1) (local.get $target) (local.get $target-length)
      (i32.const 30000) (i32.const 16))
    ;; Refused: the text of the refusal is the body.
    (if (i32.load8_u (i32.const 16))
      (then (return (call $answer (i32.const 502) (i32.load (i32.const 24)) (i32.load (i32.const 28))))))
    (if (i32.ne (local.get $first) (i32.const 71)) (then unreachable))
    ;; It is there.
    (if (i32.eqz (i32.load8_u (i32.const 20)))
      (then (return (call $answer (i32.const 200) (i32.load (i32.const 24)) (i32.load (i32.const 28))))))

    (call $increment (i32.const 1) (i32.const 1) (i32.const 3) (i32.const 4) (i64.const 1) (i32.const 16))
    (i32.store8 (i32.const 104) (i32.add (i32.const 48) (i32.load8_u (i32.const 24))))
    (call $set (i32.const 0) (i32.const 1) (local.get $target) (local.get $target-length)
      (i32.const 104) (i32.const 1) (i32.const 1) (i64.const 3600000) (i32.const 96) (i32.const 1) (i32.const 16))
    (call $answer (i32.const 200) (i32.const 104) (i32.const 1))))
