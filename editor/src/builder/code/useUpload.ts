import { useState } from "react";
import { toast } from "../../ui";
import { useCode } from "./CodeContext";
import { actionError } from "./useFileActions";

export interface Upload {
  progress: { done: number; of: number } | null;
  /** What is there already and waits for a word. */
  existing: readonly File[];
  start(files: File[], dir: string): void;
  overwrite(): void;
  skip(): void;
}

/** Sends files into a folder; asks before it replaces some. */
export function useUpload(): Upload {
  const { actions } = useCode();
  const [progress, setProgress] = useState<Upload["progress"]>(null);
  const [existing, setExisting] = useState<{ files: File[]; dir: string }>({
    files: [],
    dir: "",
  });

  const send = async (files: File[], dir: string, overwrite: boolean) => {
    if (files.length === 0) {
      return;
    }
    setProgress({ done: 0, of: files.length });
    try {
      const there = await actions.upload(files, dir, {
        overwrite,
        onProgress: (done) => setProgress({ done, of: files.length }),
      });
      setExisting({ files: there, dir });
    } catch (error) {
      toast({ text: actionError(error), tone: "bad" });
    } finally {
      setProgress(null);
    }
  };

  const skip = () => setExisting({ files: [], dir: "" });
  return {
    progress,
    existing: existing.files,
    start: (files, dir) => void send(files, dir, false),
    overwrite() {
      const { files, dir } = existing;
      skip();
      void send(files, dir, true);
    },
    skip,
  };
}
