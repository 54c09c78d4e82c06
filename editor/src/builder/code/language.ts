// Which of Monaco's languages a file is in, by its name.

/** Without what every object has: a file may be named "constructor". */
const table = (entries: Record<string, string>) =>
  new Map(Object.entries(entries));

const BY_NAME = table({
  dockerfile: "dockerfile",
  containerfile: "dockerfile",
  makefile: "makefile",
  ".babelrc": "json",
  ".eslintrc": "json",
  ".prettierrc": "json",
  ".bashrc": "shell",
  ".profile": "shell",
  ".env": "ini",
  ".npmrc": "ini",
  ".editorconfig": "ini",
});

const BY_EXTENSION = table({
  ts: "typescript",
  mts: "typescript",
  cts: "typescript",
  tsx: "typescript",
  js: "javascript",
  mjs: "javascript",
  cjs: "javascript",
  jsx: "javascript",
  css: "css",
  pcss: "css",
  scss: "scss",
  less: "less",
  html: "html",
  htm: "html",
  vue: "html",
  svelte: "html",
  astro: "html",
  ejs: "html",
  hbs: "handlebars",
  handlebars: "handlebars",
  json: "json",
  jsonc: "json",
  json5: "json",
  webmanifest: "json",
  map: "json",
  md: "markdown",
  markdown: "markdown",
  mdx: "mdx",
  yaml: "yaml",
  yml: "yaml",
  sql: "sql",
  sh: "shell",
  bash: "shell",
  zsh: "shell",
  xml: "xml",
  svg: "xml",
  xsl: "xml",
  py: "python",
  toml: "ini",
  ini: "ini",
  conf: "ini",
  properties: "ini",
  graphql: "graphql",
  gql: "graphql",
  php: "php",
  rb: "ruby",
  go: "go",
  rs: "rust",
  java: "java",
});

/** What people call them; those not listed are called by their id. */
const NAMES: Record<string, string> = {
  plaintext: "Text",
  typescript: "TypeScript",
  javascript: "JavaScript",
  css: "CSS",
  scss: "SCSS",
  less: "Less",
  html: "HTML",
  json: "JSON",
  markdown: "Markdown",
  mdx: "MDX",
  yaml: "YAML",
  sql: "SQL",
  xml: "XML",
  graphql: "GraphQL",
  php: "PHP",
};

export const extensionOf = (path: string): string => {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot < 0 ? "" : name.slice(dot + 1).toLowerCase();
};

/** Monaco's id of a language; "plaintext" for what it does not know. */
export function languageOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const stem = name.startsWith(".env") ? ".env" : name.replace(/\.\w+$/, "");
  return (
    BY_NAME.get(name) ??
    BY_EXTENSION.get(extensionOf(path)) ??
    (["dockerfile", ".env"].includes(stem) ? BY_NAME.get(stem) : undefined) ??
    "plaintext"
  );
}

export const languageName = (id: string): string =>
  NAMES[id] ?? id.charAt(0).toUpperCase() + id.slice(1);
