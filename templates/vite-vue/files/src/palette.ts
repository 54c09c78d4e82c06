export type Harmony = 'Neighbours' | 'Opposites' | 'Thirds' | 'Shades'

export type Colour = { css: string; hex: string; isDark: boolean }

// Degrees around the wheel from the first hue, and how light each colour is.
const harmonies: Record<Harmony, { turns: number[]; lightness: number[] }> = {
  Neighbours: { turns: [-40, -20, 0, 20, 40], lightness: [38, 50, 60, 70, 84] },
  Opposites: { turns: [0, 12, 0, 180, 192], lightness: [30, 48, 82, 60, 42] },
  Thirds: { turns: [0, 120, 240, 0, 120], lightness: [44, 56, 50, 82, 30] },
  Shades: { turns: [0, 0, 0, 0, 0], lightness: [22, 38, 54, 72, 90] },
}

export const harmonyNames = Object.keys(harmonies) as Harmony[]

// CSS Color 4, "HSL to sRGB"
function channel(hue: number, saturation: number, lightness: number, n: number): number {
  const k = (n + hue / 30) % 12
  const a = saturation * Math.min(lightness, 1 - lightness)
  return lightness - a * Math.max(-1, Math.min(k - 3, 9 - k, 1))
}

function colourOf(hue: number, saturation: number, lightness: number): Colour {
  const [r, g, b] = [0, 8, 4].map((n) => channel(hue, saturation / 100, lightness / 100, n))
  const hex = [r, g, b].map((c) => Math.round(c * 255).toString(16).padStart(2, '0')).join('')
  return {
    css: `hsl(${hue} ${saturation}% ${lightness}%)`,
    hex: `#${hex}`,
    isDark: 0.299 * r + 0.587 * g + 0.114 * b < 0.55,
  }
}

export function paletteOf(hue: number, saturation: number, harmony: Harmony): Colour[] {
  const { turns, lightness } = harmonies[harmony]
  return turns.map((turn, i) => colourOf((hue + turn + 360) % 360, saturation, lightness[i]))
}
