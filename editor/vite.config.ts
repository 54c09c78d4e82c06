/// <reference types="vitest/config" />
import path from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// `npm run dev` beside a running Slipway: SLIPWAY_URL says where that is.
const slipway = process.env.SLIPWAY_URL ?? "http://localhost:8080";

// Monaco's language services import every part of Monaco, for one function: ours takes its place.
const trimMonaco: Plugin = {
  name: "trim-monaco",
  enforce: "pre",
  resolveId: (source, importer) =>
    source.endsWith("/internal/common/workers.js") &&
    importer?.includes("/monaco-editor/")
      ? path.resolve(
          import.meta.dirname,
          "src/builder/code/monaco/webWorker.ts",
        )
      : null,
};

export default defineConfig({
  plugins: [trimMonaco, react()],
  build: {
    target: "es2022",
    sourcemap: false,
    assetsInlineLimit: 0, // the Content-Security-Policy has no data: for scripts and fonts
    chunkSizeWarningLimit: 5000, // Monaco
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  worker: { format: "es" },
  server: {
    proxy: {
      "/api": { target: slipway, ws: true, headers: { origin: slipway } },
      "/readyz": slipway,
    },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test-setup.ts"],
    restoreMocks: true,
    isolate: false, // one jsdom for all files, which test-setup.ts cleans: making one takes longer than their tests
  },
});
