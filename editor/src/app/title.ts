import { useEffect } from "react";
import { t } from "../strings";

/** The document's title while the page is shown. */
export function useTitle(page: string): void {
  useEffect(() => {
    document.title = page ? t.common.pageTitle(page) : t.common.appName;
  }, [page]);
}
