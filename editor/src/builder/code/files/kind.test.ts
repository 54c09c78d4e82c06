import { expect, it } from "vitest";
import { isDrawing, kindByName, mediaTypeOf, textSize } from "./kind";

it("goes by the name first", () => {
  expect(kindByName("a/b.PNG")).toBe("image");
  expect(kindByName("song.mp3")).toBe("audio");
  expect(kindByName("clip.webm")).toBe("video");
  expect(kindByName("a.woff2")).toBe("font");
  expect(kindByName("doc.pdf")).toBe("pdf");
  expect(kindByName("x.zip")).toBe("binary");
  expect(kindByName("icon.svg")).toBe("text");
  expect(isDrawing("icon.SVG")).toBe(true);
  expect(isDrawing("svg.ts")).toBe(false);
  expect(kindByName("Makefile")).toBe("text");
  expect(kindByName("constructor")).toBe("text");
});

it("has a media type for all that is shown", () => {
  expect(mediaTypeOf("a.jpeg")).toBe("image/jpeg");
  expect(mediaTypeOf("a.unknown")).toBe("application/octet-stream");
});

it("asks before large text, and refuses the largest", () => {
  expect(textSize(1024 * 1024)).toBe("normal");
  expect(textSize(1024 * 1024 + 1)).toBe("large");
  expect(textSize(5 * 1024 * 1024 + 1)).toBe("tooLarge");
});
