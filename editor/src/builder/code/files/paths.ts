// The contract's rules for paths (docs/API.md, "Files"), in words for people.

import { t } from "../../../strings";

const PATH_MAX_BYTES = 1024;
const PART_MAX_BYTES = 255;
const PARTS_MAX = 32;

const utf8 = new TextEncoder();
const bytes = (text: string): number => utf8.encode(text).length;

const hasControl = (text: string): boolean =>
  [...text].some((c) => c < " " || c === "\x7f");

function checkPart(part: string): string | null {
  if (part === "") {
    return t.code.pathEmptyPart;
  }
  if (part === "." || part === "..") {
    return t.code.pathDots;
  }
  if (part === "node_modules") {
    return t.code.pathModules;
  }
  return bytes(part) > PART_MAX_BYTES ? t.code.pathPartLong : null;
}

/** What is wrong with a path, or null. */
export function checkPath(path: string): string | null {
  if (path.trim() === "") {
    return t.code.pathEmpty;
  }
  if (path.startsWith("/")) {
    return t.code.pathAbsolute;
  }
  if (path.includes("\\")) {
    return t.code.pathBackslash;
  }
  if (hasControl(path) || /\p{Surrogate}/u.test(path)) {
    return t.code.pathControl;
  }
  const parts = path.split("/");
  if (bytes(path) > PATH_MAX_BYTES || parts.length > PARTS_MAX) {
    return t.code.pathLong;
  }
  for (const part of parts) {
    const problem = checkPart(part);
    if (problem) {
      return problem;
    }
  }
  return null;
}

/**
 * What is wrong with a path for a new file among those there are: `existing` are the files' paths. A path
 * cannot be a file and a directory.
 */
export function checkNewPath(
  path: string,
  existing: readonly string[],
): string | null {
  const problem = checkPath(path);
  if (problem) {
    return problem;
  }
  for (const other of existing) {
    if (other === path || other.startsWith(`${path}/`)) {
      return t.code.pathTaken(path);
    }
    if (path.startsWith(`${other}/`)) {
      return t.code.pathBeneathFile(other);
    }
  }
  return null;
}

export const baseName = (path: string): string =>
  path.slice(path.lastIndexOf("/") + 1);

/** The directory of a path, without a slash at its end; "" is the root. */
export const dirName = (path: string): string =>
  path.slice(0, Math.max(path.lastIndexOf("/"), 0));

export const joinPath = (dir: string, name: string): string =>
  dir === "" ? name : `${dir}/${name}`;

/** Whether `path` is `dir` or lies beneath it. */
export const isWithin = (path: string, dir: string): boolean =>
  path === dir || path.startsWith(`${dir}/`);

/** Where `path` is after `from` became `to`. */
export const movedPath = (path: string, from: string, to: string): string =>
  isWithin(path, from) ? to + path.slice(from.length) : path;

/** Every directory a path lies in, outermost first. */
export function parents(path: string): string[] {
  const all: string[] = [];
  for (let i = path.indexOf("/"); i >= 0; i = path.indexOf("/", i + 1)) {
    all.push(path.slice(0, i));
  }
  return all;
}
