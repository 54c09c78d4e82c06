export default function PreviewPane() {
	return null;
}
