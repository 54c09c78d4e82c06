import { t } from "../../strings";
import { useBuilder } from "../context";
import { findPlaces, splitByQuery, type Place } from "./links";
import css from "./logs.module.css";

function Marked({ text, query }: { text: string; query: string }) {
  return splitByQuery(text, query).map((piece, i) =>
    i % 2 === 1 ? <mark key={i}>{piece}</mark> : piece,
  );
}

export function PlaceLink({ place, text }: { place: Place; text: string }) {
  const { openFile } = useBuilder();
  return (
    <button
      type="button"
      className={css.place}
      title={t.logs.openFile(place.path)}
      onClick={() =>
        openFile(
          place.path,
          place.line === undefined
            ? undefined
            : {
                line: place.line,
                column: place.column,
              },
        )
      }
    >
      {text}
    </button>
  );
}

/** A program's text: places in files can be gone to, what is searched for is marked. */
export function LinkedText({
  text,
  query = "",
  hasFile,
}: {
  text: string;
  query?: string;
  hasFile: (path: string) => boolean;
}) {
  return findPlaces(text, hasFile).map((piece, i) =>
    piece.place ? (
      <PlaceLink key={i} place={piece.place} text={piece.text} />
    ) : (
      <Marked key={i} text={piece.text} query={query} />
    ),
  );
}
