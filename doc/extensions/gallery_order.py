"""The order of the gallery: from what anybody wants to see to what few need."""

ORDER = (
    "plot_rand_hie.py",
    "plot_digits.py",
    "plot_what_an_attacker_sees.py",
    "plot_epsilon_and_rows.py",
    "plot_missing_values.py",
    "plot_reading_a_report.py",
    "plot_conditions.py",
    "plot_napsu_inference.py",
    "plot_search_on_proxy_data.py",
    "plot_custom_model.py",
    "plot_clustmix_counterexample.py",
)


class TeachingOrder:
    """A key for sorting examples; those without a place come last, by name."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, name):
        return (ORDER.index(name) if name in ORDER else len(ORDER)), name
