// Facts about the exchange being answered: who asks, with which parameters, until when.

import { host } from "#host";

export const context = {
  get requestId() {
    return host.context.get().requestId;
  },
  get route() {
    return host.context.get().route;
  },
  get plugin() {
    return host.context.get().plugin;
  },
  get release() {
    return host.context.get().release;
  },
  get clientAddress() {
    return host.context.get().clientAddress;
  },
  get principal() {
    const found = host.context.getPrincipal();
    if (found === undefined || found === null) return null;
    const { subject, tenant, roles, scopes, method, authenticatedAtMs, claims } = found;
    const authenticatedAt = new Date(Number(authenticatedAtMs));
    return { subject, tenant: tenant ?? null, roles, scopes, method, authenticatedAt, claims: JSON.parse(claims) };
  },
  get parameters() {
    return Object.fromEntries(host.context.getParameters().map(([name, json]) => [name, JSON.parse(json)]));
  },
  parameter(name) {
    const found = host.context.getParameters().find(([its]) => its === name);
    return found && JSON.parse(found[1]);
  },
  deadlineLeftMs() {
    return Number(host.context.deadlineLeftMs());
  },
};
