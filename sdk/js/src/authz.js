// What the principal of the exchange may do, by the same roles and rules that guard routes.

import { host } from "#host";
import { context } from "./context.js";
import { Problem } from "./problem.js";

/** Only a principal that is known is told which permission it lacks. */
function lack(permission, resource) {
  if (context.principal === null) return "this is not allowed";
  return `this needs the permission ${permission}${resource === "" ? "" : ` on ${resource}`}`;
}

export const authz = {
  check(permission, resource = "") {
    const { allowed, reason } = host.authz.check(permission, resource);
    return { allowed, reason };
  },

  allows(permission, resource = "") {
    return host.authz.check(permission, resource).allowed;
  },

  require(permission, resource = "") {
    if (authz.allows(permission, resource)) return;
    throw Problem.forbidden(lack(permission, resource), { code: "forbidden" });
  },
};
