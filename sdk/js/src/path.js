// Patterns of paths, written as routes are in ostler.toml: `/todos/{id}`, `/files/{*rest}`.

const compiled = new Map();

/** A pattern as a regular expression with its names. */
function compile(pattern) {
  const names = [];
  const source = pattern.split("/").map((part) => {
    const hole = /^\{(\*?)(\w+)\}$/.exec(part);
    if (!hole) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    names.push(hole[2]);
    return hole[1] ? "(.*)" : "([^/]+)";
  });
  return { names, expression: new RegExp(`^${source.join("/")}$`, "s") };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a stray %: as it was sent
  }
}

export function matchPath(pattern, request) {
  const path = typeof request === "string" ? request : new URL(request.url).pathname;
  if (!compiled.has(pattern)) compiled.set(pattern, compile(pattern));
  const { names, expression } = compiled.get(pattern);
  const found = expression.exec(path);
  return found && Object.fromEntries(names.map((name, at) => [name, decode(found[at + 1])]));
}
