export default function Settings({ section }: { section: string | undefined }) {
	return <main>{section}</main>;
}
