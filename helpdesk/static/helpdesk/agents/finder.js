/* A combobox that finds tickets (WAI-ARIA: editable, list autocomplete). Without script: a number typed. */
(() => {
  const { app } = window.wagtail || {};
  const { Controller } = window.StimulusModule || {};
  if (!app || !Controller) return;

  class Finder extends Controller {
    connect() {
      this.input = this.element.querySelector('input');
      const list = this.listTarget;
      Object.entries({
        role: 'combobox',
        'aria-autocomplete': 'list',
        'aria-expanded': 'false',
        'aria-controls': list.id,
      }).forEach(([name, value]) => this.input.setAttribute(name, value));
      this.input.placeholder = this.hintValue;
      this.input.addEventListener('input', () => this.later());
      this.input.addEventListener('keydown', (event) => this.key(event));
      this.input.addEventListener('blur', () => setTimeout(() => this.close(), 150));
      list.addEventListener('mousedown', (event) => {
        const option = event.target.closest('[role=option]');
        if (!option) return;
        event.preventDefault();
        this.choose(option);
      });
    }

    disconnect() {
      clearTimeout(this.timer);
    }

    get options() {
      return [...this.listTarget.querySelectorAll('[role=option]')];
    }

    later() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.now(), 250);
    }

    async now() {
      const words = this.input.value.trim();
      if (words.length < 2) {
        this.close();
        return;
      }
      const query = new URLSearchParams({ q: words, but: this.butValue });
      const answer = await fetch(`${this.urlValue}?${query}`, {
        headers: { 'X-Requested-With': 'XMLHttpRequest' },
      });
      if (!answer.ok || words !== this.input.value.trim()) return;
      this.listTarget.innerHTML = await answer.text();
      const found = this.listTarget.firstElementChild.dataset;
      this.statusTarget.textContent = found.said;
      this.statusTarget.classList.toggle('w-sr-only', !('gone' in found));
      const isOpen = this.options.length > 0;
      this.listTarget.hidden = !isOpen;
      this.input.setAttribute('aria-expanded', String(isOpen));
      this.input.removeAttribute('aria-activedescendant');
    }

    key(event) {
      if (event.key === 'Escape' && !this.listTarget.hidden) {
        event.preventDefault();
        this.close();
      } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        if (this.listTarget.hidden) return;
        event.preventDefault();
        this.step(event.key === 'ArrowDown' ? 1 : -1);
      } else if (event.key === 'Enter' && this.active) {
        event.preventDefault();
        this.choose(this.active);
      }
    }

    get active() {
      if (this.listTarget.hidden) return undefined;
      return this.options.find((one) => one.getAttribute('aria-selected') === 'true');
    }

    step(by) {
      const { options, active } = this;
      const start = by > 0 ? -1 : options.length;
      const place = active ? options.indexOf(active) : start;
      const next = options[(place + by + options.length) % options.length];
      if (active) active.setAttribute('aria-selected', 'false');
      next.setAttribute('aria-selected', 'true');
      next.scrollIntoView({ block: 'nearest' });
      this.input.setAttribute('aria-activedescendant', next.id);
    }

    choose(option) {
      this.input.value = option.dataset.value;
      this.close();
      this.input.focus();
    }

    close() {
      this.listTarget.hidden = true;
      this.input.setAttribute('aria-expanded', 'false');
      this.input.removeAttribute('aria-activedescendant');
    }
  }
  Finder.targets = ['list', 'status'];
  Finder.values = { url: String, but: String, hint: String };
  app.register('hd-finder', Finder);
})();
