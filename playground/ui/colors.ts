/** Colors of values: blue below zero, amber above, the page's own ground in between; from dark to light for sizes. */

export type Rgb = readonly [red: number, green: number, blue: number];

/** A color of the style sheet, `--ground` as #rrggbb. */
export const css = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function rgb(hex: string): Rgb {
  const value = parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

function mix([r, g, b]: Rgb, [red, green, blue]: Rgb, fraction: number): Rgb {
  const between = (from: number, to: number): number => Math.round(from + (to - from) * fraction);
  return [between(r, red), between(g, green), between(b, blue)];
}

/** A color for a style. */
export const styled = (color: Rgb): string => `rgb(${color.join()})`;

export interface ColorScale {
  color: (value: number) => Rgb;
  /** The ends of the scale and their labels; between positive ends the scale is logarithmic. */
  ends: [number, number];
  names: [string, string];
}

/** The scale from −limit through zero to limit. */
export function signed(limit: number): ColorScale {
  const [minus, none, plus] = ['--minus', '--ground', '--plus'].map((name) => rgb(css(name)));
  const bad = rgb(css('--bad'));
  const most = limit || 1;
  return {
    color: (v) => {
      const relative = Math.min(1, Math.abs(v) / most);
      return Number.isNaN(v) ? bad : mix(none, v < 0 ? minus : plus, Math.sqrt(relative));
    },
    ends: [-most, most],
    names: [`−${digits(most)}`, digits(most)],
  };
}

/** Probabilities. */
export function shares(): ColorScale {
  const [none, all] = ['--ground', '--first'].map((name) => rgb(css(name)));
  return { color: (v) => mix(none, all, Math.min(1, Math.max(0, v))), ends: [0, 1], names: ['0', '1'] };
}

/** The logarithmic scale from 10^low to 10^high; zero has the background color. */
export function logarithmic(low: number, high: number): ColorScale {
  const stops = ['--size0', '--size1', '--size2', '--size3'].map((name) => rgb(css(name)));
  const [ground, bad] = ['--ground', '--bad'].map((name) => rgb(css(name)));
  const color = (v: number): Rgb => {
    if (!Number.isFinite(v)) return bad;
    if (v <= 0) return ground;
    const at = Math.min(1, Math.max(0, (Math.log10(v) - low) / (high - low))) * (stops.length - 1);
    const k = Math.min(stops.length - 2, Math.floor(at));
    return mix(stops[k], stops[k + 1], at - k);
  };
  return {
    color,
    ends: [low, high].map((end) => 10 ** end) as [number, number],
    names: [low, high].map(tenTo) as [string, string],
  };
}

export const tenTo = (n: number): string =>
  `10${[...String(n)].map((sign) => (sign === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(sign)])).join('')}`;

const digits = (v: number): string =>
  v >= 0.01 && v < 1000 ? String(Number(v.toPrecision(2))) : v.toExponential(0);
