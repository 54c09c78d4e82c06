// In the place of Monaco's internal/common/workers.js (vite.config.ts), which brings every part of Monaco along
// for this one function. Its language services call it.

import { editor } from "monaco-editor/editor";

export interface WebWorkerOptions {
  label?: string;
  createData?: unknown;
  host?: Record<string, (...args: unknown[]) => unknown>;
  keepIdleModels?: boolean;
}

export function createWebWorker<T extends object>(
  options: WebWorkerOptions,
): editor.MonacoWebWorker<T> {
  const start = async () => {
    const worker = await self.MonacoEnvironment!.getWorker!(
      "workerMain.js",
      options.label ?? "",
    );
    worker.postMessage("ignore"); // the protocol's first message, which workers pass over
    worker.postMessage(options.createData);
    return worker;
  };
  return editor.createWebWorker<T>({
    worker: start(),
    host: options.host,
    keepIdleModels: options.keepIdleModels,
  });
}
