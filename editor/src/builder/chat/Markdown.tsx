import { memo, type ReactNode } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { t } from "../../strings";
import { CopyButton } from "../../ui";
import css from "./markdown.module.css";
import { markdownBlocks } from "./markdownBlocks";

const PLUGINS = [remarkGfm];

/** Addresses of the web; any other is no link. */
const safeUrl = (url: string): string => (/^https?:\/\//i.test(url) ? url : "");

function Link({ href, children }: { href?: string; children?: ReactNode }) {
  return href ? (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  ) : (
    <span>{children}</span>
  );
}

function textOf(node: ReactNode): string {
  if (typeof node === "string") {
    return node;
  }
  if (Array.isArray(node)) {
    return node.map(textOf).join("");
  }
  return typeof node === "object" && node !== null && "props" in node
    ? textOf((node.props as { children?: ReactNode }).children)
    : "";
}

const COMPONENTS: Components = {
  a: ({ href, children }) => <Link href={href}>{children}</Link>,
  // A picture from elsewhere would tell that host who reads: it becomes a link.
  img: ({ src, alt }) => (
    <Link href={typeof src === "string" ? src : undefined}>
      {alt || (typeof src === "string" ? src : "")}
    </Link>
  ),
  input: ({ checked }) => (
    <span aria-hidden="true">{checked ? "☑ " : "☐ "}</span>
  ),
  pre: ({ children }) => (
    <div className={css.code}>
      {/* It scrolls sideways: the keyboard must get there. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- see above */}
      <pre tabIndex={0}>{children}</pre>
      <CopyButton text={textOf(children)} label={t.chat.copyCode} />
    </div>
  ),
  table: ({ children }) => (
    <div className={css.table}>
      <table>{children}</table>
    </div>
  ),
};

const Block = memo(function Block({ text }: { text: string }) {
  return (
    <ReactMarkdown
      remarkPlugins={PLUGINS}
      components={COMPONENTS}
      urlTransform={safeUrl}
    >
      {text}
    </ReactMarkdown>
  );
});

/** A model's words. Raw HTML in them is shown as the text it is. */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  return (
    <div className={css.markdown}>
      {markdownBlocks(text).map((block, at) => (
        <Block key={at} text={block} />
      ))}
    </div>
  );
});
