// The terminal's colours: the page's own for ground and text, and the sixteen of programs for each ground.
// xterm raises what is still too faint to 4.5:1 (minimumContrastRatio).

import type { ITheme } from "@xterm/xterm";

const LIGHT: ITheme = {
  black: "#1b2230",
  red: "#c02b2b",
  green: "#1a7a3c",
  yellow: "#8f5a00",
  blue: "#3552c8",
  magenta: "#9c36b5",
  cyan: "#0b7285",
  white: "#525c6f",
  brightBlack: "#525c6f",
  brightRed: "#a61e1e",
  brightGreen: "#14632f",
  brightYellow: "#7a4d00",
  brightBlue: "#2b45b0",
  brightMagenta: "#862e9c",
  brightCyan: "#095c6b",
  brightWhite: "#1b2230",
};

const DARK: ITheme = {
  black: "#2b313d",
  red: "#ff8f8f",
  green: "#5ccb80",
  yellow: "#f0b64e",
  blue: "#8fa5ff",
  magenta: "#e599f7",
  cyan: "#66d9e8",
  white: "#e6e9f0",
  brightBlack: "#8a93a5",
  brightRed: "#ffb3b3",
  brightGreen: "#8ce99a",
  brightYellow: "#ffd87d",
  brightBlue: "#b3c1ff",
  brightMagenta: "#f0c1fb",
  brightCyan: "#99e9f2",
  brightWhite: "#ffffff",
};

/** What a colour of tokens.css is right now. */
function token(name: string, at: HTMLElement): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  at.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

export function terminalTheme(isDark: boolean, at: HTMLElement): ITheme {
  return {
    ...(isDark ? DARK : LIGHT),
    background: token("--surface-1", at),
    foreground: token("--text", at),
    cursor: token("--accent", at),
    cursorAccent: token("--surface-1", at),
    selectionBackground: token("--accent-tint", at),
  };
}

export function terminalFont(at: HTMLElement): string {
  return getComputedStyle(at).getPropertyValue("--font-mono").trim();
}
