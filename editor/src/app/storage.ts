// Small things this browser remembers. Without storage (private windows, full disk) nothing is remembered.

const PREFIX = "slipway.";

export function remember(key: string, value: unknown): void {
  try {
    if (value === undefined || value === null) {
      localStorage.removeItem(PREFIX + key);
    } else {
      localStorage.setItem(PREFIX + key, JSON.stringify(value));
    }
  } catch {
    // Not remembered.
  }
}

export function recall<T>(
  key: string,
  isValid: (value: unknown) => value is T,
): T | null {
  try {
    const text = localStorage.getItem(PREFIX + key);
    const value: unknown = text === null ? null : JSON.parse(text);
    return isValid(value) ? value : null;
  } catch {
    return null;
  }
}

export const isString = (value: unknown): value is string =>
  typeof value === "string";
