import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { t } from "../../../strings";
import { Busy, ErrorNote } from "../../../ui";
import css from "../code.module.css";
import { useCode } from "../CodeContext";
import { kindByName, mediaTypeOf } from "../files/kind";
import { formatBytes } from "../files/text";
import { FileCard } from "./FileCard";

interface Shown {
  path: string;
  blob: Blob;
}

/** Shows bytes in an element that takes an address, for as long as it is there. */
function useSource<T extends HTMLImageElement | HTMLMediaElement>(blob: Blob) {
  const element = useRef<T>(null);
  useEffect(() => {
    const url = URL.createObjectURL(blob);
    if (element.current) {
      element.current.src = url;
    }
    return () => URL.revokeObjectURL(url);
  }, [blob]);
  return element;
}

export function Picture({ path, blob }: Shown) {
  const element = useSource<HTMLImageElement>(blob);
  const [pixels, setPixels] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  if (failed) {
    return <FileCard path={path} text={t.code.imageFailed} />;
  }
  return (
    <figure className={css.figure}>
      <div className={css.checker}>
        <img
          ref={element}
          alt={t.code.imageAlt(path)}
          onLoad={({ currentTarget: image }) =>
            setPixels(t.code.pixels(image.naturalWidth, image.naturalHeight))
          }
          onError={() => setFailed(true)}
        />
      </div>
      <figcaption>
        {[pixels, formatBytes(blob.size)].filter(Boolean).join(" · ")}
      </figcaption>
    </figure>
  );
}

function Player({ path, blob }: Shown) {
  const element = useSource<HTMLVideoElement>(blob);
  const Element = kindByName(path) === "audio" ? "audio" : "video";
  return (
    <figure className={css.figure}>
      <Element ref={element} controls aria-label={path} />
      <figcaption>{formatBytes(blob.size)}</figcaption>
    </figure>
  );
}

/** Pictures, sound and video, as the browser shows them. */
export function MediaView({ path }: { path: string }) {
  const { session, list } = useCode();
  const entry = list?.items.find((file) => file.path === path);
  const file = useQuery({
    queryKey: ["project", session.projectId, "bytes", path, entry?.etag],
    queryFn: async () => {
      const read = await session.files.read(path, list!.version);
      const type = mediaTypeOf(path);
      return read && new Blob([read.bytes], { type });
    },
    enabled: entry !== undefined,
    staleTime: Infinity,
    gcTime: 60_000,
  });
  if (list && (!entry || file.data === null)) {
    return <p className={css.media}>{t.code.missing}</p>;
  }
  if (file.error) {
    return (
      <div className={css.media}>
        <ErrorNote error={file.error} onRetry={() => void file.refetch()} />
      </div>
    );
  }
  if (!file.data) {
    return <Busy />;
  }
  const View = kindByName(path) === "image" ? Picture : Player;
  return (
    <div className={css.media}>
      <View key={`${path} ${entry?.etag}`} path={path} blob={file.data} />
    </div>
  );
}
