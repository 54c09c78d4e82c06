/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` beside a running Slipway: SLIPWAY_URL says where that is.
const slipway = process.env.SLIPWAY_URL ?? "http://localhost:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    sourcemap: false,
    assetsInlineLimit: 0, // the Content-Security-Policy has no data: for scripts and fonts
    chunkSizeWarningLimit: 5000, // Monaco
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
