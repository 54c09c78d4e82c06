/* Tells the editor around this page what happens in it: docs/API.md, "What the editor sees of a page".
 * It runs before all else, keeps what it needs, and must never be in the page's way. */
(() => {
	'use strict';
	const EDITORS = ['EDITORS'];
	const MAX = 8192;
	const A_SECOND = 100;
	const self = document.currentScript;
	const isLive = self.hasAttribute('data-live');
	self.remove(); /* frameworks compare the document with theirs */
	const {parent, navigation, setTimeout, Error, WeakMap, console: out} = window;
	const {apply, getPrototypeOf, getOwnPropertyDescriptor: own, ownKeys} = Reflect;
	const {then} = Promise.prototype;
	const {getAttribute} = Element.prototype;
	const {postMessage} = parent;
	const above = location.ancestorOrigins?.[0];
	let to = EDITORS.filter((origin) => !above || above === 'null' || origin === above);
	if (parent === window || parent !== top || !to.length) {
		return;
	}

	const cut = (text) => (text.length > MAX ? `${text.slice(0, MAX - 1)}…` : text);

	function post(type, fields) {
		const message = {source: 'slipway-preview', v: 1, t: Date.now(), type, ...fields};
		for (const origin of to) {
			apply(postMessage, parent, [message, origin]);
		}
	}

	let counted = false;
	let sent = 0;
	let dropped = 0;
	let inside = false; /* formatting may run code of the page, which may log */
	function tell(type, makeFields) {
		if (inside) {
			return;
		}
		if (!counted) {
			counted = true;
			setTimeout(() => {
				if (dropped) {
					post('dropped', {count: dropped});
				}
				counted = false;
				sent = dropped = 0;
			}, 1000);
		}
		if (++sent > A_SECOND) {
			dropped++;
			return;
		}
		inside = true;
		try {
			post(type, makeFields());
		} catch {
			/* not worth more */
		}
		inside = false;
	}

	/* Some browsers keep nothing for a page in another site's frame and throw when it asks: most apps do
	 * not expect that. They get a storage that lasts as long as the page. */
	function memory() {
		const items = new Map();
		const text = (fn) => (key, ...more) => fn(String(key), ...more);
		const members = {
			getItem: {value: text((key) => items.get(key) ?? null)},
			setItem: {value: text((key, value) => void items.set(key, String(value)))},
			removeItem: {value: text((key) => void items.delete(key))},
			clear: {value: () => items.clear()},
			key: {value: (i) => [...items.keys()][i] ?? null},
			length: {get: () => items.size},
		};
		for (const name in members) {
			members[name].configurable = true;
		}
		return new Proxy(Object.create(Storage.prototype, members), {
			get: (target, key) => (key in target ? target[key] : items.get(key)),
			has: (target, key) => items.has(key) || key in target,
			set: (target, key, value) => items.set(String(key), String(value)) && true,
			deleteProperty: (target, key) => items.delete(key) || true,
			ownKeys: () => [...items.keys()],
			getOwnPropertyDescriptor: (target, key) => (items.has(key) ? {
				value: items.get(key), writable: true, enumerable: true, configurable: true,
			} : undefined),
		});
	}
	let isRefused = false;
	for (const name of ['localStorage', 'sessionStorage']) {
		try {
			void window[name];
		} catch {
			isRefused = true;
			Object.defineProperty(window, name, {value: memory(), enumerable: true, configurable: true});
		}
	}
	if (isRefused) {
		tell('console', () => ({
			level: 'info', at: null,
			text: 'This browser keeps no storage for pages inside other pages. What the app stores here lasts until it is ' +
				'loaded again; in a tab of its own it is kept.',
		}));
	}

	let room;
	function take(text) {
		const piece = text.length > room ? `${text.slice(0, room)}…` : text;
		room -= piece.length;
		return piece;
	}

	function nameOf(object) {
		const proto = getPrototypeOf(object);
		const make = proto && own(proto, 'constructor')?.value;
		return String((make && own(make, 'name')?.value) ?? 'Object');
	}

	function list(open, items, n, close, one) {
		let text = take(open);
		let i = 0;
		for (const item of items) {
			if (i === 100 || room <= 0) {
				break;
			}
			text += take(i++ ? ', ' : '') + one(item);
		}
		return text + take((i < n ? `, … ${n - i} more` : '') + close);
	}

	function showError(e, seen) {
		const head = `${e.name}: ${e.message}`;
		const stack = String(e.stack ?? '');
		const text = take(stack.includes(e.message) ? stack : `${head}\n${stack}`);
		return e.cause === undefined ? text : text + take('\nCaused by: ') + show(e.cause, seen);
	}

	function showObject(v, seen) {
		const inner = (x) => show(x, [...seen, v]);
		if (v instanceof Error) {
			return showError(v, [...seen, v]);
		}
		if (v instanceof Element) {
			const attribute = (n) => (apply(getAttribute, v, [n]) ? ` ${n}="${apply(getAttribute, v, [n])}"` : '');
			return take(`<${v.localName}${attribute('id')}${attribute('class')}>`);
		}
		if (v instanceof Date || v instanceof RegExp) {
			return take(String(v));
		}
		const name = nameOf(v);
		if (seen.length > 3) {
			return take(Array.isArray(v) ? '[…]' : `${name} {…}`);
		}
		if (Array.isArray(v)) {
			return list('[', v, v.length, ']', inner);
		}
		if (ArrayBuffer.isView(v) && v.length) {
			return list(`${name} [`, v, v.length, ']', inner);
		}
		if (v instanceof Set) {
			return list(`${name} {`, v, v.size, '}', inner);
		}
		if (v instanceof Map) {
			return list(`${name} {`, v, v.size, '}', ([key, x]) => `${inner(key)} => ${inner(x)}`);
		}
		const keys = ownKeys(v);
		return list(name === 'Object' ? '{' : `${name} {`, keys, keys.length, '}', (key) => {
			const d = own(v, key);
			return take(`${String(key)}: `) + (d && 'value' in d ? inner(d.value) : take('[Getter]'));
		});
	}

	function show(v, seen = []) {
		if (room <= 0) {
			return '';
		}
		if (typeof v === 'string') {
			return take(seen.length ? JSON.stringify(v.slice(0, room)) : v);
		}
		if (typeof v === 'function') {
			return take(`ƒ ${String(own(v, 'name')?.value ?? '')}`);
		}
		if (typeof v !== 'object' || !v) {
			return take(typeof v === 'bigint' ? `${v}n` : Object.is(v, -0) ? '-0' : String(v));
		}
		if (seen.includes(v)) {
			return take('[Circular]');
		}
		try {
			return showObject(v, seen);
		} catch {
			return take('[object]');
		}
	}

	function words(args) {
		room = MAX;
		let i = 0;
		let text = '';
		if (typeof args[0] === 'string' && args.length > 1) {
			i = 1;
			text = take(args[0].slice(0, MAX).replace(/%([sdifoOc%])/g, (all, kind) => {
				if (kind === '%' || i >= args.length) {
					return kind === '%' ? '%' : all;
				}
				const v = args[i++];
				return kind === 'c' ? '' : kind === 's' ? show(v) : 'dif'.includes(kind) ? String(Number(v)) : show(v, [0]);
			}));
		}
		for (; i < args.length; i++) {
			text += (i ? ' ' : '') + show(args[i]);
		}
		return cut(text);
	}

	function where(stack) {
		for (const line of String(stack).split('\n').slice(0, 30)) {
			const m = /([a-z]+:\/\/[^\s()]*):(\d+):(\d+)\)?$/.exec(line);
			if (m && !m[1].includes('/.slipway/')) {
				return {url: cut(m[1]), line: Number(m[2]), column: Number(m[3])};
			}
		}
		return null;
	}

	function caller() {
		try {
			return where(new Error().stack);
		} catch {
			return null; /* pages may make stacks of their own */
		}
	}

	function wrap(object, name, trap) {
		try {
			object[name] = new Proxy(object[name], {apply: trap});
		} catch {
			/* then without it */
		}
	}

	const LEVELS = {
		debug: 'debug', log: 'log', info: 'info', warn: 'warn', error: 'error', trace: 'log', dir: 'log', table: 'log',
		group: 'log', groupCollapsed: 'log', assert: 'error',
	};
	for (const name in LEVELS) {
		wrap(out, name, (real, me, args) => {
			if (name !== 'assert' || !args[0]) {
				const said = name === 'assert' ? ['Assertion failed:', ...args.slice(1)] : args;
				tell('console', () => ({level: LEVELS[name], text: words(said), at: caller()}));
			}
			return apply(real, me, args);
		});
	}

	function network(method, address, status, error, from) {
		const url = new URL(address, document.baseURI);
		if (url.origin !== location.origin || !url.pathname.startsWith('/.slipway/')) {
			tell('network', () => ({
				method: cut(String(method)).toUpperCase(), url: cut(url.href), status, error: error && cut(String(error)),
				duration_ms: Math.round(performance.now() - from),
			}));
		}
	}
	const safely = (fn) => (...args) => {
		try {
			fn(...args);
		} catch {
			/* not worth more */
		}
	};

	const fetched = safely(([what, init], from, status, error) => network(
		init?.method ?? what?.method ?? 'GET', what?.url ?? what, status, error, from));
	wrap(window, 'fetch', (real, me, args) => {
		const from = performance.now();
		return apply(then, apply(real, me, args), [(answer) => {
			if (answer.status >= 400) {
				fetched(args, from, answer.status, null);
			}
			return answer;
		}, (e) => {
			if (e?.name !== 'AbortError') {
				fetched(args, from, 0, e);
			}
			throw e;
		}]);
	});

	const asked = new WeakMap();
	const answered = safely(({type, target}) => {
		const {method, url, from} = asked.get(target);
		if (type !== 'load' || target.status >= 400) {
			network(method, url, target.status, type === 'load' ? null : type === 'timeout' ? 'It took too long.' : 'No answer.', from);
		}
	});
	wrap(XMLHttpRequest.prototype, 'open', (real, me, args) => {
		apply(real, me, args);
		asked.set(me, {method: args[0], url: args[1], from: 0});
	});
	wrap(XMLHttpRequest.prototype, 'send', (real, me, args) => {
		safely(() => {
			asked.get(me).from = performance.now();
			for (const type of ['load', 'error', 'timeout']) {
				me.addEventListener(type, answered);
			}
		})();
		return apply(real, me, args);
	});

	let shown = '';
	let isStart = true;
	let looking = false;
	function look() {
		looking = false;
		const path = cut(location.pathname + location.search + location.hash);
		const title = cut(document.title);
		const fields = {path, title, can_back: navigation?.canGoBack ?? null, can_forward: navigation?.canGoForward ?? null};
		if (shown !== JSON.stringify(fields)) {
			shown = JSON.stringify(fields);
			post('location', {...fields, start: isStart});
			isStart = false;
		}
	}
	function moved() {
		if (!looking) {
			looking = true;
			setTimeout(safely(look), 50);
		}
	}
	for (const name of ['pushState', 'replaceState']) {
		wrap(History.prototype, name, (real, me, args) => {
			apply(real, me, args);
			moved();
		});
	}
	const titles = new MutationObserver(moved);

	function command({type, path}) {
		if (type === 'reload') {
			location.reload();
		} else if (type === 'go') {
			const url = new URL(path, location.origin);
			if (url.origin === location.origin) {
				location.assign(url);
			}
		} else if (type === 'back' || type === 'forward') {
			if (!navigation) {
				history[type]();
			} else if (type === 'back' ? navigation.canGoBack : navigation.canGoForward) {
				/* history.back would leave the editor when there is nothing to go back to in here */
				const {committed, finished} = navigation[type]();
				committed.catch(() => {});
				finished.catch(() => {});
			}
		}
	}

	const listeners = {
		error(e) {
			const from = performance.now();
			const {target} = e;
			if (e instanceof ErrorEvent) {
				tell('error', () => ({
					text: cut(e.message), stack: e.error?.stack ? cut(String(e.error.stack)) : null,
					at: e.filename ? {url: cut(e.filename), line: e.lineno, column: e.colno} : null,
				}));
			} else if (target instanceof Element) {
				const url = target.currentSrc || target.src || target.href || target.data;
				setTimeout(safely(() => {
					const last = performance.getEntriesByName(url).pop();
					network('GET', url, last?.responseStatus ?? 0, `<${target.localName}> could not be loaded.`, last ? from - last.duration : from);
				}));
			}
		},
		unhandledrejection({reason}) {
			tell('error', () => {
				const isError = reason instanceof Error;
				return {
					text: words(['Uncaught (in promise)', isError ? `${reason.name}: ${reason.message}` : reason]),
					stack: isError && reason.stack ? cut(String(reason.stack)) : null,
					at: isError ? where(reason.stack) : null,
				};
			});
		},
		securitypolicyviolation(e) {
			if (e.disposition === 'enforce') {
				tell('console', () => ({
					level: 'error', text: cut(`Blocked by the page's Content-Security-Policy (${e.effectiveDirective}): ${e.blockedURI}`),
					at: e.sourceFile ? {url: cut(e.sourceFile), line: e.lineNumber, column: e.columnNumber} : null,
				}));
			}
		},
		message(e) {
			if (e.isTrusted && e.source === parent && EDITORS.includes(e.origin) && e.data?.source === 'slipway-editor') {
				e.stopImmediatePropagation();
				to = [e.origin];
				if (e.data.v === 1) {
					command(e.data);
				}
			}
		},
		popstate: moved,
		hashchange: moved,
		DOMContentLoaded: moved,
		load() {
			const {responseStatus, duration, name} = performance.getEntriesByType('navigation')[0];
			if (responseStatus >= 400 && !isLive) {
				network('GET', name, responseStatus, null, performance.now() - duration);
			}
			moved();
		},
		pageshow(e) {
			shown = e.persisted ? '' : shown;
			moved();
		},
	};
	for (const type in listeners) {
		listeners[type] = safely(listeners[type]);
	}
	function listen() {
		for (const type in listeners) {
			window.addEventListener(type, listeners[type], true);
		}
		titles.observe(document.head ?? document, {childList: true, characterData: true, subtree: true});
	}
	/* A document that is written anew has no listeners any more. */
	for (const name of ['open', 'write', 'writeln']) {
		wrap(Document.prototype, name, (real, me, args) => {
			const written = apply(real, me, args);
			safely(listen)();
			return written;
		});
	}
	listen();
	look();
})();
