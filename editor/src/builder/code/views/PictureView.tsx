import { useMemo } from "react";
import css from "../code.module.css";
import { useCode } from "../CodeContext";
import { mediaTypeOf } from "../files/kind";
import { Picture } from "./MediaView";

/** A text that is a picture, as it is being edited. In an <img> no script in it runs, and it loads nothing. */
export function PictureView({ path }: { path: string }) {
  const { session } = useCode();
  const text = session.buffers.doc(path)?.getText() ?? "";
  const blob = useMemo(
    () => new Blob([text], { type: mediaTypeOf(path) }),
    [text, path],
  );
  return (
    <div className={css.media}>
      <Picture key={text} path={path} blob={blob} />
    </div>
  );
}
