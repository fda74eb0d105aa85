// An error of the contract, as componentize-js throws it.

export function failure(tag, val) {
  return Object.assign(new Error(val ?? tag), { payload: { tag, val } });
}
