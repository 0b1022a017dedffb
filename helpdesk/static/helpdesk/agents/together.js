/* Working together: who else is here, what is new, drafts that are saved while one writes. Every form works without. */
const { app } = window.wagtail || {};
const { Controller } = window.StimulusModule || {};

const POLL = 10_000; // milliseconds; doubled after each failure, up to
const LONGEST = 60_000;
const SAVE = 10_000;

const post = (url, body, more = {}) =>
  fetch(url, {
    method: 'POST',
    body,
    headers: { Accept: 'application/json', 'X-Requested-With': 'XMLHttpRequest', ...more.headers },
    keepalive: Boolean(more.keepalive),
    signal: more.signal,
  });

const secret = () => {
  const config = document.getElementById('wagtail-config');
  return config ? JSON.parse(config.textContent).CSRF_TOKEN : '';
};

/* Asks every ten seconds who is where and what is new; not while nobody looks. */
class Together extends Controller {
  connect() {
    this.wait = POLL;
    this.seen = () => (document.hidden ? clearTimeout(this.timer) : this.poll());
    this.left = () => this.leave();
    this.back = (event) => event.persisted && this.poll();
    this.began = (event) => {
      if (!event.target.matches('.hd-write textarea') || this.isWriting) return;
      this.isWriting = true;
      this.poll();
    };
    document.addEventListener('visibilitychange', this.seen);
    document.addEventListener('input', this.began);
    window.addEventListener('pagehide', this.left);
    window.addEventListener('pageshow', this.back);
    this.poll();
  }

  disconnect() {
    clearTimeout(this.timer);
    this.latest = null;
    document.removeEventListener('visibilitychange', this.seen);
    document.removeEventListener('input', this.began);
    window.removeEventListener('pagehide', this.left);
    window.removeEventListener('pageshow', this.back);
  }

  get rows() {
    return [...this.element.querySelectorAll('[data-hd-row]')];
  }

  get body() {
    const body = new FormData();
    body.append('csrfmiddlewaretoken', secret());
    if (!this.ticketValue) {
      body.append('rows', this.rows.map((one) => one.dataset.hdRow).join(','));
      return body;
    }
    const { article, version } = document.getElementById('hd-screen').dataset;
    body.append('ticket', this.ticketValue);
    body.append('article', article);
    body.append('version', version);
    const texts = [...document.querySelectorAll('.hd-write textarea')];
    this.isWriting = this.isWriting && texts.some((one) => one.value.trim());
    if (this.isWriting) body.append('writing', '1');
    return body;
  }

  async poll() {
    clearTimeout(this.timer);
    if (document.hidden) return;
    const { body } = this;
    this.latest = body;
    let answer = null;
    try {
      const response = await post(this.urlValue, body);
      if (response.ok && !response.redirected) answer = await response.json();
    } catch {
      // as without an answer
    }
    if (this.latest !== body) return; // asked again since, or gone
    this.wait = answer ? POLL : Math.min(this.wait * 2, LONGEST);
    this.timer = setTimeout(() => this.poll(), this.wait);
    if (answer) this.tell(answer);
  }

  tell(answer) {
    if (this.ticketValue) {
      this.put(this.peopleTarget, answer.people);
      this.put(this.newsTarget, answer.news);
    }
    this.rows.forEach((row) => this.put(row, answer.rows[row.dataset.hdRow] || ''));
    if ('unread' in answer) {
      document.dispatchEvent(new CustomEvent('hd:unread', { detail: answer.unread }));
    }
  }

  /* Only what changed is put in place: a screen reader says it once. */
  put(place, html) {
    if ((place.hdSaid ?? place.innerHTML.trim()) === html) return;
    place.hdSaid = html;
    place.innerHTML = html;
  }

  leave() {
    if (!this.ticketValue) return;
    const body = new FormData();
    body.append('csrfmiddlewaretoken', secret());
    body.append('ticket', this.ticketValue);
    body.append('leave', '1');
    navigator.sendBeacon(this.urlValue, body);
  }

  /* Puts the ticket as it is now around the composer, in which what was typed stays. */
  async show(event) {
    event.preventDefault();
    const link = event.currentTarget;
    let page = null;
    try {
      const answer = await fetch(link.href, { credentials: 'same-origin' });
      if (!answer.ok) return;
      page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    } catch {
      return;
    }
    const fresh = page.getElementById('hd-screen');
    const here = document.getElementById('hd-screen');
    if (!fresh) return;
    const known = new Set([...here.querySelectorAll('article[id]')].map((one) => one.id));
    ['.hd-head', '.hd-side'].forEach((part) => {
      here.querySelector(part).replaceWith(document.adoptNode(fresh.querySelector(part)));
    });
    const [thread, newer] = [here, fresh].map((one) => one.querySelector('#thread'));
    const composer = thread.querySelector('#composer');
    [...thread.children].forEach((one) => one !== composer && one.remove());
    [...newer.children].forEach((one) => {
      if (one.id !== 'composer') thread.insertBefore(document.adoptNode(one), composer);
    });
    Object.assign(here.dataset, fresh.dataset);
    here.querySelectorAll('[data-hd-script]').forEach((one) => one.removeAttribute('hidden'));
    document.querySelectorAll('.hd-write').forEach((form) => {
      form.elements.last_article.value = fresh.dataset.article;
      form.elements.last_event.value = fresh.dataset.event;
    });
    this.put(this.newsTarget, '');
    const first = [...thread.querySelectorAll('article[id]')].find((one) => !known.has(one.id));
    const target = first || here.querySelector('.hd-head');
    target.tabIndex = -1;
    target.focus();
  }
}
Together.targets = ['people', 'news'];
Together.values = { url: String, ticket: Number };

/* Saves what is typed every ten seconds; what cannot be saved is kept in this window. */
class Draft extends Controller {
  connect() {
    this.wait = SAVE;
    this.place = `hd-draft ${this.urlValue}`;
    this.hidden = () => document.hidden && this.save({ keepalive: true });
    document.addEventListener('visibilitychange', this.hidden);
    this.bringBack();
  }

  disconnect() {
    clearTimeout(this.timer);
    document.removeEventListener('visibilitychange', this.hidden);
  }

  get text() {
    return this.element.querySelector('textarea');
  }

  get words() {
    return this.wordsTarget.dataset;
  }

  say(words) {
    this.statusTarget.textContent = words;
  }

  typed() {
    this.isDirty = true;
    if (!this.timer && !this.isStopped) this.timer = setTimeout(() => this.save(), this.wait);
  }

  now() {
    if (!this.isDirty || this.isStopped || this.wait > SAVE) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), 300);
  }

  press(event) {
    const files = this.element.querySelector('[type=file]');
    if (files && files.files.length) return; // files travel with the page only
    event.preventDefault();
    this.isDirty = true;
    this.save();
  }

  force() {
    this.isStopped = false;
    this.forceTarget.hidden = true;
    this.isDirty = true;
    this.save({ force: true });
  }

  /* The form leaves the page: nothing is saved behind its back, and until it has arrived the text is kept. */
  sending(event) {
    clearTimeout(this.timer);
    this.isStopped = true;
    if (this.under) this.under.abort();
    const button = event.submitter;
    if (!button || !button.hasAttribute('formaction')) this.keep();
    else if (button === this.discardTarget) this.forget();
  }

  async save({ keepalive = false, force = false } = {}) {
    clearTimeout(this.timer);
    this.timer = null;
    if (!this.isDirty || this.isStopped) return;
    this.isDirty = false;
    const body = new FormData(this.element);
    body.delete('files');
    if (force) body.append('force', '1');
    this.under = new AbortController();
    try {
      const answer = await post(this.urlValue, body, { keepalive, signal: this.under.signal });
      const found = answer.redirected ? {} : await answer.json().catch(() => ({}));
      if (answer.ok && 'saved' in found) this.saved(found);
      else if (answer.status === 409) this.overtaken(found.message);
      else if (answer.ok && found.sent) this.forget();
      else this.failed(answer.status >= 500 ? this.words.offline : found.message || this.words.gone);
    } catch (error) {
      if (error.name !== 'AbortError') this.failed(this.words.offline);
    }
  }

  saved({ saved, version }) {
    this.wait = SAVE;
    this.element.elements.draft_version.value = version;
    this.discardTarget.hidden = !version;
    this.say(saved);
    this.forget();
  }

  overtaken(message) {
    this.isStopped = true;
    this.forceTarget.hidden = false;
    this.say(message);
    this.keep();
  }

  failed(message) {
    this.say(message);
    this.keep();
    this.isDirty = true;
    this.wait = Math.min(this.wait * 2, LONGEST);
    this.timer = setTimeout(() => this.save(), this.wait);
  }

  keep() {
    if (!this.text.value.trim()) return;
    const key = this.element.elements.idempotency_key.value;
    const version = this.element.elements.draft_version.value;
    try {
      sessionStorage.setItem(this.place, JSON.stringify({ text: this.text.value, key, version }));
    } catch {
      // a full or forbidden store: the text still stands in the page
    }
  }

  forget() {
    try {
      sessionStorage.removeItem(this.place);
    } catch {
      // as above
    }
  }

  /* Text that a former page could not save comes back, unless it was sent after all. */
  async bringBack() {
    let kept = null;
    try {
      kept = JSON.parse(sessionStorage.getItem(this.place));
    } catch {
      return;
    }
    if (!kept) return;
    if (kept.text === this.text.value) {
      if (kept.version !== this.element.elements.draft_version.value) this.forget();
      return;
    }
    const body = new FormData(this.element);
    body.delete('files');
    body.set('body', kept.text);
    body.set('idempotency_key', kept.key);
    body.set('draft_version', kept.version);
    let found = {};
    try {
      let answer = await post(this.urlValue, body);
      if (answer.status === 409 && !this.text.value.trim()) {
        // saved while the former page went away, after this one was made: the same text, or an older one
        body.set('force', '1');
        answer = await post(this.urlValue, body);
      }
      if (answer.ok && !answer.redirected) found = await answer.json();
    } catch {
      // it stays kept
    }
    if (found.sent) {
      this.forget();
    } else if (!this.text.value.trim()) {
      this.text.value = kept.text;
      if (found.saved) this.saved(found);
      else this.failed(this.words.kept);
    }
  }
}
Draft.targets = ['status', 'force', 'discard', 'words'];
Draft.values = { url: String };

/* A second press of a button does nothing; the server does not rely on it. */
function pressOnce(event) {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || !submitter || form.method !== 'post') return;
  if (!form.action.includes('/helpdesk/')) return;
  setTimeout(() => {
    submitter.disabled = true;
  });
  window.addEventListener('pageshow', () => {
    submitter.disabled = false;
  }, { once: true });
}

if (app && Controller) {
  app.register('hd-together', Together);
  app.register('hd-draft', Draft);
  document.addEventListener('submit', pressOnce);
}
