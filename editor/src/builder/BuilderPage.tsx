export default function BuilderPage({
	id,
	tab,
}: {
	id: string;
	tab: string | undefined;
}) {
	return <main>{[id, tab].join(" ")}</main>;
}
