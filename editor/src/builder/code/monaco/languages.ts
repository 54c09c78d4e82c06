// What the language services are told about a project whose packages they cannot see.

import {
  cssDefaults,
  lessDefaults,
  scssDefaults,
} from "monaco-editor/languages/features/css/register";
import { htmlDefaults } from "monaco-editor/languages/features/html/register";
import { jsonDefaults } from "monaco-editor/languages/features/json/register";
import {
  javascriptDefaults,
  JsxEmit,
  ModuleKind,
  ModuleResolutionKind,
  ScriptTarget,
  typescriptDefaults,
} from "monaco-editor/languages/features/typescript/register";
import { AMBIENT } from "./ambient";

/** What would be marked in every file only because packages and their types are not here. */
const NOT_HERE = [
  1259, // a module without a default export, for want of its types
  2307, // cannot find module
  2304, // cannot find name: test globals, types of packages
  2503, // cannot find namespace: React.FC
  2580, // do you need to install types for node?
  2581,
  2582, // … for a test runner?
  2591,
  2686, // 'React' refers to a UMD global
  2792, // did you mean to set moduleResolution?
  2875, // this JSX tag requires react/jsx-runtime
  7016, // no declaration file
  7026, // no interface JSX.IntrinsicElements
  1378, // top-level await needs another module setting
  1375,
];

/** Whole texts are formatted by Prettier (prettier.ts). */
const BY_PRETTIER = { documentFormattingEdits: false };

export function setUpLanguages(): void {
  for (const defaults of [typescriptDefaults, javascriptDefaults]) {
    defaults.setCompilerOptions({
      target: ScriptTarget.ESNext,
      module: ModuleKind.ESNext,
      moduleResolution: ModuleResolutionKind.NodeJs,
      jsx: JsxEmit.Preserve,
      allowJs: true,
      checkJs: false,
      allowNonTsExtensions: true,
      allowImportingTsExtensions: true,
      allowSyntheticDefaultImports: true,
      esModuleInterop: true,
      resolveJsonModule: true,
      isolatedModules: false,
      experimentalDecorators: true,
      skipLibCheck: true,
      noEmit: true,
      strict: false,
      lib: ["esnext", "dom", "dom.iterable"],
      baseUrl: "file:///",
      paths: { "@/*": ["src/*", "*"], "~/*": ["src/*", "*"] },
    });
    defaults.setEagerModelSync(true);
    defaults.setModeConfiguration({
      ...defaults.modeConfiguration,
      ...BY_PRETTIER,
    });
  }
  typescriptDefaults.setDiagnosticsOptions({
    noSemanticValidation: false,
    noSyntaxValidation: false,
    noSuggestionDiagnostics: true,
    diagnosticCodesToIgnore: NOT_HERE,
  });
  // Of plain JavaScript nobody promised types: only what does not parse is marked.
  javascriptDefaults.setDiagnosticsOptions({
    noSemanticValidation: true,
    noSyntaxValidation: false,
    noSuggestionDiagnostics: true,
  });
  jsonDefaults.setDiagnosticsOptions({
    validate: true,
    allowComments: true,
    trailingCommas: "warning",
    enableSchemaRequest: false, // no request to any other host
  });
  for (const defaults of [
    jsonDefaults,
    cssDefaults,
    scssDefaults,
    lessDefaults,
  ]) {
    defaults.setModeConfiguration({
      ...defaults.modeConfiguration,
      ...BY_PRETTIER,
    });
  }
  htmlDefaults.setModeConfiguration({
    ...htmlDefaults.modeConfiguration,
    ...BY_PRETTIER,
  });
  setLibraries(new Map());
}

/** The project's files that are not open, by path, for imports among them. */
export function setLibraries(files: ReadonlyMap<string, string>): void {
  const libraries = [
    { content: AMBIENT, filePath: "file:///slipway-ambient.d.ts" },
    ...[...files].map(([path, content]) => ({
      content,
      filePath: `file:///${path}`,
    })),
  ];
  typescriptDefaults.setExtraLibs(libraries);
  javascriptDefaults.setExtraLibs(libraries);
}
