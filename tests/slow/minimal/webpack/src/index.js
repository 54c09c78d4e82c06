document.body.innerHTML = '<h1>webpack</h1>';
