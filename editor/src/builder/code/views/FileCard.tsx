import { Download } from "lucide-react";
import type { ReactNode } from "react";
import { t } from "../../../strings";
import { buttonClass, Empty } from "../../../ui";
import { useCode } from "../CodeContext";
import { kindByName } from "../files/kind";
import { baseName } from "../files/paths";
import { formatBytes } from "../files/text";
import { FileIcon } from "../tree/fileIcon";

/** A file that is not shown: what it is, how large, and the way to have it. */
export function FileCard({
  path,
  title,
  text,
  action,
}: {
  path: string;
  title?: string;
  text?: string;
  action?: ReactNode;
}) {
  const { session, list } = useCode();
  const size = list?.items.find((file) => file.path === path)?.size;
  const kind = kindByName(path);
  return (
    <Empty
      icon={<FileIcon path={path} />}
      title={title ?? baseName(path)}
      action={
        <>
          {action}
          <a
            className={buttonClass()}
            href={session.files.url(path)}
            download={baseName(path)}
          >
            <Download aria-hidden="true" />
            {t.code.download}
          </a>
        </>
      }
    >
      {text ??
        [
          t.code.kinds[kind === "text" ? "binary" : kind],
          size === undefined ? "" : formatBytes(size),
        ]
          .filter(Boolean)
          .join(", ")}
    </Empty>
  );
}
