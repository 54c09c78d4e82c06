import { expect, it } from "vitest";
import { libraryFiles } from "./useProjectTypes";

const entry = (path: string, size = 100) => ({
  path,
  size,
  mode: "0644",
  etag: '"v1"',
});
const chosen = (...entries: ReturnType<typeof entry>[]) =>
  libraryFiles(entries).map(({ path }) => path);

it("takes small code, and no lockfile", () => {
  expect(
    chosen(
      entry("src/App.tsx"),
      entry("data.json"),
      entry("package-lock.json"),
      entry("style.css"),
      entry("src/large.ts", 200 * 1024),
    ),
  ).toEqual(["src/App.tsx", "data.json"]);
});

it("is bounded in number and size", () => {
  const many = Array.from({ length: 300 }, (_, i) => entry(`${i}.ts`));
  expect(chosen(...many)).toHaveLength(150);
  const heavy = Array.from({ length: 40 }, (_, i) =>
    entry(`${i}.ts`, 100 * 1024),
  );
  expect(chosen(...heavy)).toHaveLength(20);
});
