import { useMemo } from "react";
import { useFiles } from "../../api/queries";
import { useBuilder } from "../context";

/** Whether the project has a file of this path; nothing is one while they are not known. */
export function useHasFile(): (path: string) => boolean {
  const { projectId } = useBuilder();
  const files = useFiles(projectId).data?.items;
  return useMemo(() => {
    const paths = new Set(files?.map((file) => file.path));
    return (path: string) => paths.has(path);
  }, [files]);
}
