;; A typed handler by hand that grows a table until it is refused, then traps: no compiler would write it.
;; The host must refuse within the plugin's limit, and get its memory back.
(module
  (memory (export "memory") 1)
  (table $bomb 1 funcref)

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    ;; What the host hands in is never read: give it all the same place, past the first page's half.
    i32.const 32768)

  (func (export "ostler:plugin/http-handler@0.1.0#handle")
    (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (loop $again
      (br_if $again
        (i32.ne
          (table.grow $bomb (ref.null func) (i32.const 1024))
          (i32.const -1))))
    unreachable))
