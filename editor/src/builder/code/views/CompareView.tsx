import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useState } from "react";
import { t } from "../../../strings";
import { Busy, ErrorNote, IconButton, Note, Select } from "../../../ui";
import { useAllVersions } from "../../versions/useVersionPages";
import type { Buffer } from "../buffers/buffer";
import css from "../code.module.css";
import { useCode } from "../CodeContext";
import { decodeText } from "../files/text";
import { DiffView } from "../monaco/DiffView";
import { MonacoDoc } from "../monaco/setup";

export interface CompareViewProps {
  buffer: Buffer;
  onClose: () => void;
}

const MESSAGE_MAX = 60;

/** The open file beside what it was in a version. */
export default function CompareView({ buffer, onClose }: CompareViewProps) {
  const { path } = buffer;
  const { session } = useCode();
  const all = useAllVersions(session.projectId);
  const items = all.versions ?? [];
  const [chosen, setChosen] = useState<number | null>(null);
  // At first what was before the last change, which is what one most wants to see.
  const n = chosen ?? (items[1] ?? items[0])?.n ?? null;
  const then = useQuery({
    queryKey: ["project", session.projectId, "text", path, n],
    queryFn: async () => {
      const file = await session.files.read(path, n!);
      return file
        ? {
            isThere: true,
            content: decodeText(file.bytes),
          }
        : { isThere: false, content: null };
    },
    enabled: n !== null,
    staleTime: Infinity,
  });
  const doc = session.buffers.doc(path);
  const model = doc instanceof MonacoDoc ? doc.model : null;
  const error = all.error ?? then.error;

  return (
    <>
      <div className={css.compareBar}>
        <Select
          label={t.code.compareLabel}
          hideLabel
          value={String(n ?? "")}
          onChange={(event) => setChosen(Number(event.target.value))}
        >
          {items.map((version) => (
            <option key={version.n} value={version.n}>
              {t.code.compareOption(
                version.n,
                version.message.slice(0, MESSAGE_MAX),
              )}
            </option>
          ))}
        </Select>
        <IconButton
          label={t.code.compareStop}
          icon={<X />}
          size="small"
          onClick={onClose}
        />
      </div>
      {then.data && !then.data.content && (
        <div className={css.banner}>
          <Note>
            {then.data.isThere ? t.code.compareBinary : t.code.compareAbsent}
          </Note>
        </div>
      )}
      {error && <ErrorNote error={error} />}
      {all.versions && items.length === 0 && (
        <div className={css.banner}>
          <Note>{t.code.noVersions}</Note>
        </div>
      )}
      {!error && (all.isPending || then.isLoading) && <Busy />}
      {model && then.data && n !== null && (
        <>
          <div className={css.sides} aria-hidden="true">
            <span>{t.code.compareThen(n)}</span>
            <span>{t.code.compareNow}</span>
          </div>
          <div className={css.editorBox}>
            <DiffView
              original={then.data.content?.text ?? ""}
              originalLabel={`${t.code.compareThen(n)}: ${path}`}
              model={model}
              modelLabel={`${t.code.compareNow}: ${path}`}
              readOnly={buffer.state === "offered"}
            />
          </div>
        </>
      )}
    </>
  );
}
