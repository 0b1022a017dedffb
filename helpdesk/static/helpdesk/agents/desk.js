/* The help desk's Stimulus controllers. Every form works without them. */
(() => {
  const { app } = window.wagtail || {};
  const { Controller } = window.StimulusModule || {};
  if (!app || !Controller) return;

  document.addEventListener('DOMContentLoaded', () => {
    document.querySelectorAll('[data-hd-script]').forEach((one) => one.removeAttribute('hidden'));
  });

  /* Reply, note, forward: changes the mode in the page and keeps what was typed. */
  class Composer extends Controller {
    choose(event) {
      event.preventDefault();
      const { mode } = event.currentTarget.dataset;
      const before = this.formTargets.find((form) => !form.hidden);
      const after = this.formTargets.find((form) => form.dataset.mode === mode);
      if (!after) return;
      if (before && before !== after) {
        const [from, to] = [before, after].map((form) => form.querySelector('textarea'));
        if (from && to && !to.value) {
          to.value = from.value;
          from.value = '';
          [from, to].forEach((one) => one.dispatchEvent(new Event('input', { bubbles: true })));
        }
      }
      this.formTargets.forEach((form) => {
        form.hidden = form !== after;
      });
      this.modeTargets.forEach((link) => {
        if (link.dataset.mode === mode) link.setAttribute('aria-current', 'true');
        else link.removeAttribute('aria-current');
      });
      after.querySelector('textarea').focus();
    }
  }
  Composer.targets = ['mode', 'form'];
  app.register('hd-composer', Composer);

  /* A mail's frame is as high as the mail, up to a limit. */
  class Frame extends Controller {
    fit() {
      const page = this.element.contentDocument;
      if (!page || !page.body) return;
      const height = page.body.getBoundingClientRect().height + 32;
      this.element.style.height = `${Math.min(Math.max(height, 80), 1200)}px`;
    }
  }
  app.register('hd-frame', Frame);

  /* Counts the seconds in which a message can be taken back for certain, then takes the offer away. */
  class Undo extends Controller {
    connect() {
      this.until = Date.now() + this.secondsValue * 1000;
      if (this.secondsValue > 0) this.timer = setInterval(() => this.show(), 250);
      this.show();
    }

    show() {
      if (!this.timer) return;
      const left = Math.ceil((this.until - Date.now()) / 1000);
      this.leftTarget.textContent = left > 0 ? `${left} s` : '';
      if (left > 0) return;
      this.disconnect();
      this.element.hidden = true;
      document.querySelectorAll(`[form="${this.element.id}"]`).forEach((one) => one.remove());
    }

    disconnect() {
      clearInterval(this.timer);
      this.timer = null;
    }
  }
  Undo.targets = ['left'];
  Undo.values = { seconds: Number };
  app.register('hd-undo', Undo);

  /* Finds customers while typing. */
  class Search extends Controller {
    later() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.now(), 250);
    }

    async now() {
      const words = this.inputTarget.value.trim();
      const answer = await fetch(`${this.urlValue}?q=${encodeURIComponent(words)}`, {
        headers: { 'X-Requested-With': 'XMLHttpRequest' },
      });
      if (answer.ok && words === this.inputTarget.value.trim()) {
        this.resultsTarget.innerHTML = await answer.text();
      }
    }

    disconnect() {
      clearTimeout(this.timer);
    }
  }
  Search.targets = ['input', 'results'];
  Search.values = { url: String };
  app.register('hd-search', Search);

  /* Conditions and effects: a change fetches the rows anew, in place, as the buttons do without script. */
  class Builder extends Controller {
    plainTargetConnected(button) {
      button.hidden = true;
    }

    refresh() {
      this.send('refresh');
    }

    press(event) {
      event.preventDefault();
      this.send(event.currentTarget.value);
    }

    async send(command) {
      const body = new FormData(this.element);
      body.append('do', command);
      this.contentTarget.setAttribute('aria-busy', 'true');
      this.latest = body;
      let fresh = null;
      try {
        const answer = await fetch(window.location.href, { method: 'POST', body });
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        fresh = page.querySelector('[data-hd-builder-target="content"]');
      } catch {
        // as without an answer
      }
      if (this.latest !== body) return;
      if (!fresh) {
        this.submit(command); // the browser shows what is wrong
        return;
      }
      const here = document.activeElement && document.activeElement.id;
      this.contentTarget.replaceWith(document.adoptNode(fresh));
      const next = document.getElementById(fresh.dataset.focus || here);
      if (next) next.focus();
    }

    submit(command) {
      const button = document.createElement('button');
      Object.assign(button, { name: 'do', value: command, hidden: true });
      this.element.append(button);
      this.element.requestSubmit(button);
    }
  }
  Builder.targets = ['content', 'plain'];
  app.register('hd-builder', Builder);
})();
