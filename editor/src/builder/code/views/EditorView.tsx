import { useEffect, useEffectEvent, useRef, useState } from "react";
import { t } from "../../../strings";
import { useStore } from "../../context";
import { useCode } from "../CodeContext";
import css from "../code.module.css";
import type { Buffer } from "../buffers/buffer";
import { languageName } from "../language";
import {
  type editor,
  hasFormatter,
  MonacoDoc,
  setOnOpen,
} from "../monaco/setup";
import { TextEditor } from "../monaco/TextEditor";
import type { CodeSession } from "../session";
import { useSlow } from "../useSlow";
import { format } from "../monaco/format";

type Instance = editor.IStandaloneCodeEditor;

const REMEMBER_MS = 400;

/** Remembers where one stands, a moment after one has come to rest there. */
function usePlace(session: CodeSession, path: string) {
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  useEffect(
    () => () => {
      if (timer.current) {
        clearTimeout(timer.current);
      }
    },
    [path],
  );
  return (instance: Instance) => {
    if (timer.current) {
      clearTimeout(timer.current);
    }
    timer.current = setTimeout(() => {
      const at = instance.getPosition();
      if (at && instance.getModel()) {
        session.setPlace(path, {
          line: at.lineNumber,
          column: at.column,
          scrollTop: instance.getScrollTop(),
        });
      }
    }, REMEMBER_MS);
  };
}

export interface EditorViewProps {
  buffer: Buffer;
  wordWrap: boolean;
}

/** A text file in the editor, with a line about it below. */
export default function EditorView({ buffer, wordWrap }: EditorViewProps) {
  const { path } = buffer;
  const { session, open } = useCode();
  const tabs = useStore(session);
  const doc = session.buffers.doc(path);
  const model = doc instanceof MonacoDoc ? doc.model : null;
  const [instance, setInstance] = useState<Instance | null>(null);
  const [at, setAt] = useState({ line: 1, column: 1 });
  const [isFormatting, setFormatting] = useState(false);
  const isSlow = useSlow(isFormatting);
  const rememberPlace = usePlace(session, path);

  const onModel = (shown: Instance) => {
    const place = session.place(path);
    const here = shown.getPosition();
    const isNew = here?.lineNumber === 1 && here.column === 1;
    if (place && isNew) {
      shown.setPosition({
        lineNumber: place.line,
        column: place.column,
      });
      shown.setScrollTop(place.scrollTop);
    }
    setInstance(shown);
  };
  const onMove = (shown: Instance) => {
    const here = shown.getPosition();
    if (here) {
      setAt({ line: here.lineNumber, column: here.column });
    }
    rememberPlace(shown);
  };

  // "Show this line", also of the file that is shown already.
  const jump = useEffectEvent((shown: Instance) => {
    const to = shown.getModel() === model ? session.takeJump(path) : null;
    if (to) {
      const lineNumber = to.line;
      shown.setPosition({ lineNumber, column: to.column });
      shown.revealLineInCenter(lineNumber);
      shown.focus();
    }
  });
  useEffect(() => {
    if (instance) {
      jump(instance);
    }
  }, [instance, tabs, model]);

  const openAt = useEffectEvent(open);
  useEffect(() => {
    setOnOpen((to, line, column) => openAt(to, { line, column }));
    return () => setOnOpen(null);
  }, []);

  const language = model?.getLanguageId() ?? "plaintext";
  useEffect(() => {
    if (!instance) {
      return;
    }
    return session.offerCommands({
      format: () => {
        setFormatting(true);
        void format(instance).finally(() => setFormatting(false));
      },
      canFormat: hasFormatter(language),
      focus: () => instance.focus(),
    });
  }, [instance, session, language]);

  if (!model) {
    return null;
  }
  const isOffered = buffer.state === "offered";
  return (
    <>
      <div className={css.editorBox}>
        <TextEditor
          model={model}
          label={t.code.editorLabel(path)}
          readOnly={isOffered}
          readOnlyMessage={isOffered ? t.code.readOnlyOffered : undefined}
          wordWrap={wordWrap}
          onModel={onModel}
          onMove={onMove}
        />
      </div>
      <div className={css.statusBar}>
        <span>{t.code.position(at.line, at.column)}</span>
        <span role="status">{isSlow && t.code.formatting}</span>
        <span className={css.spring} />
        <span className={css.tabHint}>{t.code.tabHint}</span>
        <span>{model.getEOL() === "\r\n" ? "CRLF" : "LF"}</span>
        <span>{languageName(language)}</span>
      </div>
    </>
  );
}
