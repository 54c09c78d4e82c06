// The widths a page can be looked at in.

export const DEVICES = {
  desktop: null, // as wide as there is room
  tablet: { width: 768, height: 1024 },
  phone: { width: 390, height: 844 },
} as const;

export type Device = keyof typeof DEVICES;

export const isDevice = (value: unknown): value is Device =>
  typeof value === "string" && Object.hasOwn(DEVICES, value);

export interface Size {
  width: number;
  height: number;
}

/**
 * The size of the page and how much it is made smaller to fit the room. A device that is too wide shrinks;
 * one that is too high is cut to the room, as a browser's bars would do.
 */
export function fit(device: Device, room: Size): Size & { scale: number } {
  const size = DEVICES[device];
  if (!size || room.width <= 0 || room.height <= 0) {
    return { ...room, scale: 1 };
  }
  const scale = Math.min(1, room.width / size.width);
  return {
    width: size.width,
    height: Math.min(size.height, Math.floor(room.height / scale)),
    scale,
  };
}
