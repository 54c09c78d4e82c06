export default function CodePane() {
	return null;
}
