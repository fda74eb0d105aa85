// Errors of imported functions: componentize-js throws an object that holds the contract's value as `payload`.

/** The contract's error in what was thrown; anything else (a trap, a mistake) is thrown on. */
export function payload(error) {
  const value = error?.payload;
  if (value?.tag === undefined) throw error;
  return value;
}
