/* Keeps the live page up to date, and goes over to the app as soon as it answers. */
'use strict';
(() => {
	const main = document.getElementById('live');
	if (!main) {
		return;
	}
	const byId = (id) => document.getElementById(id);
	const slug = byId('slug').textContent;
	const COMING_MS = 400;
	const STUCK_MS = 2000;
	const HIDDEN_MS = 5000;
	let since = performance.now() - Number(main.dataset.for);
	let shown = '';
	let going = false;

	function setText(id, text) {
		const at = byId(id);
		/* Screen readers say what changes: nothing is set again. */
		if (at.textContent !== text) {
			at.textContent = text;
		}
	}

	function showTime() {
		const s = Math.floor((performance.now() - since) / 1000);
		byId('for').hidden = main.dataset.kind !== 'coming' || s < 2;
		setText('for', s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`);
	}

	/* Everything in a line may be hostile: it is only ever text. */
	function showLines(lines) {
		const key = JSON.stringify(lines);
		if (key === shown) {
			return;
		}
		shown = key;
		const pre = byId('lines');
		const atEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 24;
		pre.replaceChildren(...lines.map(({stream, text}) => {
			const span = document.createElement('span');
			span.className = ['stderr', 'system'].includes(stream) ? stream : 'stdout';
			span.textContent = `${text}\n`;
			return span;
		}));
		byId('log').hidden = lines.length === 0;
		if (atEnd) {
			pre.scrollTop = pre.scrollHeight;
		}
	}

	function show(s) {
		main.dataset.kind = s.ready ? 'ready' : s.waits ? 'coming' : 'stuck';
		since = performance.now() - s.for_ms;
		setText('title', s.title);
		setText('detail', s.detail);
		setText('error', s.error ?? '');
		byId('error').hidden = !s.error;
		document.title = `${s.title} · ${slug}`;
		showLines(s.lines ?? []);
		showTime();
	}

	/* How long to wait before going over: longer each time the app has just sent us back here. */
	function pauseBefore() {
		const key = 'slipway-live';
		try {
			const last = JSON.parse(sessionStorage.getItem(key) ?? '{}');
			const soon = Date.now() - last.at < 20000;
			const times = soon ? Math.min((last.times ?? 0) + 1, 6) : 0;
			sessionStorage.setItem(key, JSON.stringify({at: Date.now(), times}));
			return times === 0 ? 0 : 250 * 2 ** times;
		} catch {
			return 1000; /* no storage: a steady pace */
		}
	}

	function load() {
		if (main.dataset.method === 'GET') {
			location.reload();
		} else {
			/* A form is not sent twice. */
			location.replace(location.pathname + location.search);
		}
	}

	function goOver() {
		if (!going) {
			going = true;
			setTimeout(load, pauseBefore());
		}
	}

	async function look() {
		let again = COMING_MS;
		try {
			const answer = await fetch('/.slipway/status', {
				cache: 'no-store',
				headers: {accept: 'application/json'},
				signal: AbortSignal.timeout(8000),
			});
			if (answer.status === 401 || answer.status === 404) {
				/* Not ours to see any more: the way in says what to do. */
				goOver();
				return;
			}
			if (answer.ok) {
				const s = await answer.json();
				show(s);
				if (s.ready) {
					goOver();
					return;
				}
				again = s.waits ? COMING_MS : STUCK_MS;
			}
		} catch {
			setText('detail', 'The connection was lost. It is tried again.');
			again = STUCK_MS;
		}
		setTimeout(look, document.hidden ? HIDDEN_MS : again);
	}

	byId('again').firstElementChild.addEventListener('click', load);
	const pre = byId('lines');
	pre.scrollTop = pre.scrollHeight;
	setInterval(showTime, 1000);
	showTime();
	look();
})();
