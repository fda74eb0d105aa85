/// What the stand-ins share.

#ifndef OSTLER_STAND_INS_H
#define OSTLER_STAND_INS_H

#include "internal.h"
#include "ostler_testing.h"

/// A copy that outlives the arena, until `ostler_test_begin`.
char *stand_in_keep(const char *text, size_t len);

/// A text for the SDK, as the host would put it into the arena.
typed_string_t stand_in_text(const char *text);

/// Bytes for the SDK, likewise.
typed_list_u8_t stand_in_bytes(const char *data, size_t len);

/// A text of the SDK's with a NUL behind it.
const char *stand_in_read(const typed_string_t *text);

/// Forgets all stores, what the gate tells and lends, and what flags say.
void stand_in_forget_stores(void);
void stand_in_forget_gate(void);
void stand_in_forget_flags(void);

/// The clock of the test, in milliseconds.
uint64_t stand_in_now(void);

#endif
