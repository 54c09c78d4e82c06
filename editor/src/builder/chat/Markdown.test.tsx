import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { TooltipProvider } from "../../ui";
import { Markdown } from "./Markdown";

function shown(text: string): HTMLElement {
  return render(
    <TooltipProvider>
      <Markdown text={text} />
    </TooltipProvider>,
  ).container;
}

it("shows raw HTML as the text it is", () => {
  const page = shown(
    '<img src=x onerror="alert(1)">\n\n<script>alert(1)</script>\n\nhi <b onclick=x>b</b>',
  );
  expect(page.querySelector("img, script, b")).toBeNull();
  expect(page.textContent).toContain("<script>alert(1)</script>");
});

it.each([
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  "java&#10;script:alert(1)",
  "data:text/html,<script>1</script>",
  "vbscript:x",
  "//evil.example/x",
  "/sign-out",
  "file:///etc/passwd",
])("makes no link of %s", (url) => {
  const page = shown(`[click](${url}) and <${url}>`);
  expect(page.querySelector("a[href]")).toBeNull();
  expect(page.textContent).toContain("click");
});

it("opens links of the web elsewhere, without telling where from", () => {
  shown("[docs](https://example.com/a)");
  const link = screen.getByRole("link", { name: "docs" });
  expect(link.getAttribute("href")).toBe("https://example.com/a");
  expect(link.getAttribute("target")).toBe("_blank");
  expect(link.getAttribute("rel")).toBe("noopener noreferrer");
});

it("loads no picture: it becomes a link", () => {
  const page = shown(
    "![a chart](https://example.com/x.png) ![y](data:image/png;base64,AA)",
  );
  expect(page.querySelector("img")).toBeNull();
  expect(
    screen.getByRole("link", { name: "a chart" }).getAttribute("href"),
  ).toBe("https://example.com/x.png");
  expect(page.textContent).toContain("y");
});

it("shows tables, tasks and code", () => {
  const page = shown(
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x] done\n\n```js\nlet a = 1;\n```",
  );
  expect(page.querySelectorAll("td")).toHaveLength(2);
  expect(page.querySelector("input")).toBeNull();
  expect(page.querySelector("pre")?.textContent).toBe("let a = 1;\n");
  expect(screen.getByRole("button", { name: "Copy code" })).toBeTruthy();
});
