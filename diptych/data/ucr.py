"""The UCR archive: labelled series of one channel, as many sets as two wheels of the package registry hold.

Two sets of the archive come from elsewhere and have files of their own: `ecg200` and `italy_power_demand`.
"""

from dataclasses import replace

from diptych.data._ucr import ARCHIVE, LICENCE, MIRROR, WHEELS, read_set, trimmed
from diptych.data.base import Files, Raw
from diptych.data.card import Card

PREFIX = "ucr_"
SETS = """
ACSF1 1 100 100 1460 0..9
Adiac 1 390 391 176 1..37
AllGestureWiimoteX 1 300 700 0 1..10
AllGestureWiimoteY 1 300 700 0 1..10
AllGestureWiimoteZ 1 300 700 0 1..10
ArrowHead 1 36 175 251 0..2
Beef 1 30 30 470 1..5
BeetleFly 1 20 20 512 1..2
BirdChicken 1 20 20 512 1..2
BME 1 30 150 128 1..3
Car 1 60 60 577 1..4
CBF 1 30 900 128 1..3
Chinatown 1 20 343 24 1..2
ChlorineConcentration 1 467 3840 166 1..3
CinCECGTorso 1 40 1380 1639 1..4
Coffee 1 28 28 286 0..1
Computers 1 250 250 720 1..2
CricketX 1 390 390 300 1..12
CricketY 1 390 390 300 1..12
CricketZ 1 390 390 300 1..12
Crop 1 7200 16800 46 1..24
DiatomSizeReduction 1 16 306 345 1..4
DistalPhalanxOutlineAgeGroup 1 400 139 80 1..3
DistalPhalanxOutlineCorrect 1 600 276 80 0..1
DistalPhalanxTW 1 400 139 80 3..8
DodgerLoopDay 1 78 80 288 1..7
DodgerLoopGame 1 20 138 288 1..2
DodgerLoopWeekend 1 20 138 288 1..2
Earthquakes 1 322 139 512 0..1
ECG5000 1 500 4500 140 1..5
ECGFiveDays 1 23 861 136 1..2
ElectricDevices 1 8926 7711 96 1..7
EOGHorizontalSignal 1 362 362 1250 1..12
EOGVerticalSignal 1 362 362 1250 1..12
EthanolLevel 1 504 500 1751 1..4
FaceAll 1 560 1690 131 1..14
FaceFour 1 24 88 350 1..4
FacesUCR 1 200 2050 131 1..14
FiftyWords 1 450 455 270 1..50
Fish 1 175 175 463 1..7
FordA 1 3601 1320 500 -1,1
FordB 1 3636 810 500 -1,1
FreezerRegularTrain 1 150 2850 301 1..2
FreezerSmallTrain 1 28 2850 301 1..2
Fungi 1 18 186 201 1..18
GestureMidAirD1 1 208 130 0 1..26
GestureMidAirD2 1 208 130 0 1..26
GestureMidAirD3 1 208 130 0 1..26
GesturePebbleZ1 1 132 172 0 1..6
GesturePebbleZ2 1 146 158 0 1..6
GunPoint 1 50 150 150 1..2
GunPointAgeSpan 1 135 316 150 1..2
GunPointMaleVersusFemale 1 135 316 150 1..2
GunPointOldVersusYoung 1 136 315 150 1..2
Ham 1 109 105 431 1..2
HandOutlines 1 1000 370 2709 0..1
Haptics 1 155 308 1092 1..5
Herring 1 64 64 512 1..2
HouseTwenty 2 40 119 2000 1..2
InlineSkate 2 100 550 1882 1..7
InsectEPGRegularTrain 2 62 249 601 1..3
InsectEPGSmallTrain 2 17 249 601 1..3
InsectWingbeatSound 2 220 1980 256 1..11
LargeKitchenAppliances 2 375 375 720 1..3
Lightning2 2 60 61 637 -1,1
Lightning7 2 70 73 319 0..6
Mallat 2 55 2345 1024 1..8
Meat 2 60 60 448 1..3
MedicalImages 2 381 760 99 1..10
MelbournePedestrian 2 1194 2439 24 1..10
MiddlePhalanxOutlineAgeGroup 2 400 154 80 1..3
MiddlePhalanxOutlineCorrect 2 600 291 80 0..1
MiddlePhalanxTW 2 399 154 80 3..8
MixedShapesRegularTrain 2 500 2425 1024 1..5
MixedShapesSmallTrain 2 100 2425 1024 1..5
MoteStrain 2 20 1252 84 1..2
NonInvasiveFetalECGThorax1 2 1800 1965 750 1..42
NonInvasiveFetalECGThorax2 2 1800 1965 750 1..42
OliveOil 2 30 30 570 1..4
OSULeaf 2 200 242 427 1..6
PhalangesOutlinesCorrect 2 1800 858 80 0..1
Phoneme 2 214 1896 1024 1..39
PickupGestureWiimoteZ 2 50 50 0 1..10
PigAirwayPressure 2 104 208 2000 1..52
PigArtPressure 2 104 208 2000 1..52
PigCVP 2 104 208 2000 1..52
PLAID 2 537 537 0 0..10
Plane 2 105 105 144 1..7
PowerCons 2 180 180 144 1..2
ProximalPhalanxOutlineAgeGroup 2 400 205 80 1..3
ProximalPhalanxOutlineCorrect 2 600 291 80 0..1
"""  # archive name, wheel, training series, test series, steps (0: of different lengths), classes
RAGGED = "series have different lengths and are padded with missing values"
GAPS = "values are missing, as published"
COUNTS = "not z-scored in the archive and none of the 34 sets that published code standardises; standardised here"
HEART = "the class is the recording; `fetal_ecg` has both leads"
PIG = "the class is the animal; `pig_vitals` has all three signals"
CAVEATS = {
    "DodgerLoopDay": (GAPS, COUNTS),
    "DodgerLoopGame": (GAPS, COUNTS),
    "DodgerLoopWeekend": (GAPS, COUNTS),
    "Fungi": ("one training series of each class",),
    "MelbournePedestrian": (GAPS,),
    "NonInvasiveFetalECGThorax1": (HEART,),
    "NonInvasiveFetalECGThorax2": (HEART,),
    "PigAirwayPressure": (PIG,),
    "PigArtPressure": (PIG,),
    "PigCVP": (PIG,),
}


def _card(line: str) -> Card:
    """The card of a line of SETS."""
    name, part, train, test, steps, classes = line.split()
    return Card(
        name=PREFIX + name.lower(),
        home="ucr",
        title=f"{name} (UCR)",
        modality="series",
        metric="accuracy",
        sources=(WHEELS[int(part)],),
        mirror=MIRROR,
        licence=LICENCE,
        citation=ARCHIVE,
        n=int(train) + int(test),
        n_train=int(train),
        shape=(int(steps), 1),
        classes=_classes(classes),
        split="official",
        caveats=CAVEATS.get(name, ()) + ((RAGGED,) if steps == "0" else ()),
    )


def _classes(stated: str) -> tuple[str, ...]:
    """`1..3` are 1, 2 and 3; `-1,1` are those two."""
    first, dots, last = stated.partition("..")
    return tuple(map(str, range(int(first), int(last) + 1))) if dots else tuple(stated.split(","))


ROWS = {PREFIX + line.split()[0].lower(): line for line in SETS.strip().splitlines()}
CARDS = tuple(_card(line) for line in ROWS.values())


def read(files: Files, name: str) -> Raw:
    """Training and test series."""
    archive_name, part, _, _, steps, _ = ROWS[name].split()
    raw = read_set(files, archive_name, int(part))
    return replace(raw, x=trimmed(raw.x)) if steps == "0" else raw
