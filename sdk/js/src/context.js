// Facts about the exchange being answered.

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
  deadlineLeftMs() {
    return Number(host.context.deadlineLeftMs());
  },
};
