import { useQuery } from "@tanstack/react-query";
import { useEffect, useState, type ReactNode } from "react";
import { t } from "../../../strings";
import { Busy, ErrorNote } from "../../../ui";
import css from "../code.module.css";
import { useCode } from "../CodeContext";
import { kindByName, mediaTypeOf } from "../files/kind";
import { formatBytes } from "../files/text";
import { FileCard } from "./FileCard";

/** The address of a file's bytes in this page, while it is shown. */
function useBlobUrl(path: string) {
	const { session, list } = useCode();
	const etag = list?.items.find((file) => file.path === path)?.etag;
	const file = useQuery({
		queryKey: ["project", session.projectId, "bytes", path, etag],
		queryFn: async () => {
			const read = await session.files.read(
				path,
				list!.version,
			);
			return (
				read &&
				new Blob([read.bytes], {
					type: mediaTypeOf(path),
				})
			);
		},
		enabled: etag !== undefined,
		staleTime: Infinity,
		gcTime: 60_000,
	});
	const [url, setUrl] = useState<string | null>(null);
	const blob = file.data ?? null;
	useEffect(() => {
		if (!blob) {
			return;
		}
		const made = URL.createObjectURL(blob);
		setUrl(made);
		return () => {
			URL.revokeObjectURL(made);
			setUrl(null);
		};
	}, [blob]);
	return { ...file, url, size: blob?.size ?? 0 };
}

function Picture({
	path,
	url,
	size,
}: {
	path: string;
	url: string;
	size: number;
}) {
	const [pixels, setPixels] = useState<string | null>(null);
	const [failed, setFailed] = useState(false);
	if (failed) {
		return <FileCard path={path} text={t.code.imageFailed} />;
	}
	return (
		<figure className={css.figure}>
			<div className={css.checker}>
				<img
					src={url}
					alt={t.code.imageAlt(path)}
					onLoad={({ currentTarget: image }) =>
						setPixels(
							t.code.pixels(
								image.naturalWidth,
								image.naturalHeight,
							),
						)
					}
					onError={() => setFailed(true)}
				/>
			</div>
			<figcaption>
				{[pixels, formatBytes(size)]
					.filter(Boolean)
					.join(" · ")}
			</figcaption>
		</figure>
	);
}

/** Pictures, sound and video, as the browser shows them. */
export function MediaView({ path }: { path: string }) {
	const { list } = useCode();
	const { url, size, error, refetch, data } = useBlobUrl(path);
	const kind = kindByName(path);
	const isGone = list && !list.items.some((file) => file.path === path);
	let shown: ReactNode;
	if (isGone || data === null) {
		shown = <p>{t.code.missing}</p>;
	} else if (error) {
		shown = (
			<ErrorNote
				error={error}
				onRetry={() => void refetch()}
			/>
		);
	} else if (!url) {
		shown = <Busy />;
	} else if (kind === "image") {
		shown = <Picture key={url} {...{ path, url, size }} />;
	} else {
		const Player = kind === "audio" ? "audio" : "video";
		shown = (
			<figure className={css.figure}>
				<Player src={url} controls aria-label={path} />
				<figcaption>{formatBytes(size)}</figcaption>
			</figure>
		);
	}
	return <div className={css.media}>{shown}</div>;
}
