// The API counts bytes.
const MIN_BYTES = 8;

export const isPasswordLongEnough = (password: string): boolean =>
  new TextEncoder().encode(password).length >= MIN_BYTES;
