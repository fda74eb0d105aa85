// Outbound HTTP.
#ifndef ASK_H
#define ASK_H

#include "message.h"

// Sends the request on to the URL in its query and tells what came back.
void ask(wasi_http_types_own_incoming_request_t request, const text_t *target, text_t *text);

#endif
