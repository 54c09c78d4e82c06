export default function Script() {
	return <main />;
}
