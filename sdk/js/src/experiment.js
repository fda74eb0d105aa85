// What experiments are decided by: counted for the release that runs, and for the variants of the flags it has asked for.

import { host } from "#host";

export const experiment = {
  track(metric, value = 1) {
    return host.experiment.track(metric, value);
  },
};
