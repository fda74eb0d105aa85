// Values of `grant = { config = { ... } }`.

import { host } from "#host";

export const config = {
  get(key, fallback) {
    return host.config.get(key) ?? fallback;
  },

  all() {
    return Object.fromEntries(host.config.all());
  },
};
