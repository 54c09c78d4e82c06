import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist", "node_modules"] },
  js.configs.recommended,
  ...ts.configs.strict,
  hooks.configs.flat.recommended,
  a11y.flatConfigs.recommended,
  {
    files: ["public/*.js"],
    languageOptions: {
      globals: { document: "readonly", localStorage: "readonly" },
    },
  },
  {
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off",
      "no-console": "error",
    },
  },
);
