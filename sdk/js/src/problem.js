// Refusals the client may read, as RFC 9457 `application/problem+json`.

const TITLES = {
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  425: "Too Early",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

const snake = (title) => title.toLowerCase().replaceAll(" ", "_");

export class Problem extends Error {
  name = "Problem";

  constructor(status, detail, { code, title, type = "about:blank", headers = {} } = {}) {
    if (!(status >= 400 && status <= 599)) throw new RangeError(`status ${status}: a problem has 400 to 599`);
    super(detail);
    this.status = status;
    this.detail = detail;
    this.title = title ?? TITLES[status] ?? "Error";
    this.code = code ?? snake(TITLES[status] ?? "error");
    this.type = type;
    this.headers = headers;
  }

  static badRequest(detail, options) {
    return new Problem(400, detail, options);
  }

  static unauthorized(detail, options) {
    return new Problem(401, detail, options);
  }

  static forbidden(detail, options) {
    return new Problem(403, detail, options);
  }

  static notFound(detail, options) {
    return new Problem(404, detail, options);
  }

  static methodNotAllowed(allow) {
    const methods = allow.join(", ");
    return new Problem(405, `this path answers ${methods}`, { headers: { allow: methods } });
  }

  static conflict(detail, options) {
    return new Problem(409, detail, options);
  }

  static unprocessable(detail, options) {
    return new Problem(422, detail, options);
  }

  static unavailable(detail, options) {
    return new Problem(503, detail, options);
  }

  toResponse(requestId) {
    const { type, title, status, detail, code } = this;
    const headers = new Headers(this.headers);
    headers.set("content-type", "application/problem+json");
    return new Response(JSON.stringify({ type, title, status, detail, code, request_id: requestId }), {
      status,
      headers,
    });
  }
}
